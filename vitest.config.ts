import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** As test/helpers/data.ts has it, which only a test can import. */
const HAS_RECORDINGS = existsSync(process.env['SLABREPLAY_DATA'] ?? '../shared/data');
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * A kind of test. Its limit only ends what hangs: it is far above what a test takes, also on a machine
 * that has other work.
 */
function kind(name: string, include: string[], limit: number, isolate: boolean) {
  return {
    extends: true as const,
    test: { name, include, isolate, testTimeout: limit, hookTimeout: limit },
  };
}

export default defineConfig({
  test: {
    // Tests of the program wait for processes, pipes and terminals much of their time.
    maxWorkers: availableParallelism() + 1,
    // Tests make many short-lived objects: a fifth of their time went into collecting them.
    execArgv: ['--max-semi-space-size=32'],
    env: { TZ: 'UTC', LC_ALL: 'C', NO_COLOR: '1' },
    expandSnapshotDiff: true,
    projects: [
      // Half of the time of small tests went into loading the same modules for each file.
      kind('unit', ['test/*.test.ts', 'test/unit/**/*.test.ts'], 5 * MINUTE, false),
      kind('property', ['test/property/**/*.test.ts'], 15 * MINUTE, false),
      // A process for each file gives back the recordings that it read, where there are any.
      kind('kernel', ['test/kernel/**/*.test.ts'], 30 * MINUTE, HAS_RECORDINGS),
      kind('e2e', ['test/e2e/**/*.test.ts'], 30 * MINUTE, false),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // What runs in the browser is tested there (test/e2e/report.test.ts).
      exclude: ['src/cli/**', 'src/render/html/browser/**'],
      thresholds: { lines: 90, branches: 75 },
    },
  },
});
