import { defineConfig } from 'vitest/config';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * A kind of test. Its limit only ends what hangs: it is far above what a test takes, also on a machine
 * that has other work.
 */
function kind(name: string, include: string[], limit: number) {
  return {
    extends: true as const,
    test: { name, include, testTimeout: limit, hookTimeout: limit },
  };
}

export default defineConfig({
  test: {
    // Vitest would leave one core idle: half of the time where there are two.
    maxWorkers: '100%',
    env: { TZ: 'UTC', LC_ALL: 'C', NO_COLOR: '1' },
    expandSnapshotDiff: true,
    projects: [
      kind('unit', ['test/*.test.ts', 'test/unit/**/*.test.ts'], 5 * MINUTE),
      kind('property', ['test/property/**/*.test.ts'], 15 * MINUTE),
      kind('kernel', ['test/kernel/**/*.test.ts'], 30 * MINUTE),
      kind('e2e', ['test/e2e/**/*.test.ts'], 30 * MINUTE),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // What runs in the browser is tested there (test/e2e/report.test.ts).
      exclude: ['src/cli/**', 'src/report/html/browser/**'],
      thresholds: { lines: 90, branches: 75 },
    },
  },
});
