// What must hold of the tests themselves, so that they pass on any machine: they name the programs they
// need, they do not look at the clock, and without recordings their bodies do not run.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeEachWith, describeWithData } from './helpers/data.ts';
import { describeWithTools, isInstalled, testWithTools } from './helpers/tools.ts';

const FILES = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && file !== 'test-rules.test.ts',
);
const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8');

/** Programs that are wherever npm runs. */
const ALWAYS = ['sh'];

/** Programs that a file runs under a name written out. */
function programsOf(source: string): string[] {
  const calls = source.matchAll(/\b(?:spawn|spawnSync|execFile|execFileSync)\)?\(\s*'([^']+)'/g);
  return [...calls].map(([, program = '']) => program);
}

/** Programs for whose absence a file has an answer. */
function toolsOf(source: string): string[] {
  const lists = source.matchAll(/(?:WithTools\(\s*\[|isInstalled\(|TOOLS = \[)([^\])]*)/g);
  return [...lists].flatMap(([, list = '']) => list.match(/[\w-]+/g) ?? []);
}

test('no test runs a program that it does not name to helpers/tools.ts', () => {
  const unnamed = FILES.flatMap((file) => {
    const source = read(file);
    const named = [...ALWAYS, ...toolsOf(source)];
    return programsOf(source)
      .filter((program) => !named.includes(program))
      .map((program) => `${file}: ${program}`);
  });
  expect(unnamed).toEqual([]);
});

// The seed of random input may be the time. What work costs is compared with other work of the same
// run (helpers/cpu-cost.ts), never with seconds.
const CLOCK = /\b(?:performance\.now|Date\.now|process\.hrtime)\b/;
const MAY_LOOK = 'helpers/random-traces.ts';

test('no test looks at the clock', () => {
  expect(FILES.filter((file) => file !== MAY_LOOK && CLOCK.test(read(file)))).toEqual([]);
});

test('the rules see the tests', () => {
  expect(FILES.length).toBeGreaterThan(200);
  expect(programsOf("execFileSync('gcc', []); promisify(execFile)('python3')")).toEqual([
    'gcc',
    'python3',
  ]);
  expect(toolsOf("testWithTools(['gcc', 'nm'], 'title'); isInstalled('xz')")).toEqual([
    'gcc',
    'nm',
    'xz',
  ]);
});

describe('what a machine lacks', () => {
  const fail = (): never => {
    throw new Error('a body ran whose recording or program is not there');
  };
  // These bodies would break the collection of this file.
  describeWithData('no-such-recording', 'a recording', fail);
  describeWithData(['.', 'no-such-recording'], 'one recording of two', fail);
  describeEachWith(['no-such-file'], 'recordings with a file', fail);
  describeWithTools(['no-such-program'], 'a program', fail);
  testWithTools(['no-such-program'], 'a program of a test', fail);

  test('a program is looked for, not run', () => {
    expect(isInstalled('sh')).toBe(true);
    expect(isInstalled('no-such-program')).toBe(false);
  });
});
