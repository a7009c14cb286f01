import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Vitest would leave one core idle: half of the time where there are two.
    maxWorkers: '100%',
    env: { TZ: 'UTC', LC_ALL: 'C', NO_COLOR: '1' },
    // Tests on recordings of real kernels and those that spawn the program take seconds, and more
    // where cores are few.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expandSnapshotDiff: true,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // What runs in the browser is tested there (test/e2e/report.test.ts).
      exclude: ['src/cli/**', 'src/report/html/browser/**'],
      thresholds: { lines: 90, branches: 75 },
    },
  },
});
