// Standard output and standard error may be closed by whoever reads them, or have no room.

import { describeError, EXIT, errnoOf } from '../base/errors.ts';

/** To be called once, before anything is written. */
export function watchStreams(): void {
  process.stdout.on('error', (error) => {
    // A reader that has seen enough (`| head`) is no error.
    if (errnoOf(error) !== 'EPIPE') {
      process.stderr.write(
        `slabreplay: standard output: cannot be written: ${describeError(error)}\n`,
      );
      process.exitCode = EXIT.io;
    }
    process.exit();
  });
  // What was to be said has no reader, and results and exit codes do not depend on it.
  process.stderr.on('error', () => undefined);
}
