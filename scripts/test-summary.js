#!/usr/bin/env node
// Results of Vitest (--reporter=json), of one run or several, into the slowest tests and a last line
// `N passed, N failed`. Exits with 1 where a test failed, a file could not be collected, or none ran.
//
//   node scripts/test-summary.js TESTS.json...

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const SHOWN = 20;

const runs = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const files = runs.flatMap(({ testResults }) => testResults);
const tests = files.flatMap(({ name, assertionResults }) =>
  assertionResults.map((test) => ({ ...test, file: relative(process.cwd(), name) })),
);
// A file that throws before its tests are known has none that could fail.
const broken = files.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
);
const count = (...wanted) => tests.filter(({ status }) => wanted.includes(status)).length;
const seconds = ({ duration }) => (duration ?? 0) / 1000;
const slowest = tests.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, SHOWN);

const passed = count('passed');
const failed = count('failed') + broken.length;
const lines = [
  '',
  'The slowest tests',
  ...slowest.map((t) => `${seconds(t).toFixed(1).padStart(7)} s  ${t.file}: ${t.fullName}`),
  '',
  ...broken.map(({ name, message }) => `${name}: ${message}`),
  `${count('skipped', 'pending', 'todo')} skipped`,
  `${passed} passed, ${failed} failed`,
];
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
