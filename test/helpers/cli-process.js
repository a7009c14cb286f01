// Runs commands of the built program one after the other in one process, each as in a process of its
// own: `cli-process.js MAIN MARK`. A message has the arguments of a command and its folder; when
// nothing of the command is left to wait for, the mark goes to both outputs, and its exit code is sent.

import { pathToFileURL } from 'node:url';

const [, , main = '', mark = ''] = process.argv;
const { run } = await import(new URL('program.js', pathToFileURL(main)).href);

/** What may be listened to by more than this file: of it nothing is left over to the next command. */
const EMITTERS = [process, process.stdout, process.stderr];
const own = new Map(EMITTERS.map((emitter) => [emitter, listenersOf(emitter)]));

function listenersOf(emitter) {
  return emitter
    .eventNames()
    .flatMap((name) => emitter.rawListeners(name).map((listener) => ({ name, listener })));
}

/** Reads, timers and threads that keep the process alive. */
const waitedFor = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort()
    .join();

/** What the end of a process does: those that wait for it are called, the others forgotten. */
function end(code) {
  for (const emitter of EMITTERS) {
    const kept = own.get(emitter);
    for (const { name, listener } of listenersOf(emitter)) {
      if (kept.some((entry) => entry.name === name && entry.listener === listener)) continue;
      if (emitter === process && name === 'exit') listener.call(process, code);
      emitter.off(name, listener);
    }
  }
}

const written = (stream) => new Promise((resolve) => stream.write(mark, resolve));

process.on('message', async ({ args, cwd }) => {
  const before = waitedFor();
  process.chdir(cwd);
  process.argv = [process.execPath, main, ...args];
  process.exitCode = undefined;
  await run(args[0] ?? '');
  for (let turn = 0; waitedFor() !== before; turn++) {
    await new Promise((resolve) => (turn < 100 ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  const code = process.exitCode ?? 0;
  end(code);
  await Promise.all([written(process.stdout), written(process.stderr)]);
  process.send(code);
});
process.on('disconnect', () => process.exit()); // the tests are over
own.set(process, listenersOf(process));
process.send('ready');
