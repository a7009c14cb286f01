// The programs of docs/library.md, each run in an empty folder against the packed package: what npm
// would publish, unpacked, with the dependencies of this clone beside it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { ROOT, STACKS } from '../helpers/run-cli.ts';
import { testWithTools } from '../helpers/tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'slabreplay-packed-'));
const modules = join(folder, 'node_modules');
const source = join(ROOT, STACKS);

function pack(): void {
  const args = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', folder];
  const name = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  mkdirSync(join(modules, 'slabreplay'), { recursive: true });
  const unpack = ['-xzf', join(folder, name), '--strip-components=1', '-C'];
  execFileSync('tar', [...unpack, join(modules, 'slabreplay')]);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const dependency of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', dependency), join(modules, dependency));
  }
}

/** Runs the program that the page calls so. */
function runProgram(name: string, ...args: string[]): string[] {
  const page = readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8');
  const code = new RegExp(`\`\`\`js\\n(// ${name} [^]*?)\`\`\``).exec(page)?.[1];
  if (code === undefined) throw new Error(`docs/library.md has no program ${name}`);
  writeFileSync(join(folder, name), code);
  const printed = execFileSync(process.execPath, [name, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return printed.trimEnd().split('\n');
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

testWithTools(['npm', 'tar'], 'the programs of docs/library.md', () => {
  pack();
  // Hand-counted in the recording: 6,445 events, and the largest request.
  const [events, largest] = runProgram('largest.mjs', source);
  expect(events).toBe('6445 events');
  expect(largest).toMatch(/^\d+ bytes by \S+-\d+ at \S+\+0x[0-9a-f]+/);
  const [sums, ...sites] = runProgram('waste.mjs', source);
  expect(sums).toMatch(/^\d+ bytes allocated, \d+ asked for$/);
  expect(sites).toHaveLength(3);
  expect(runProgram('gate.mjs', source, source)).toEqual(['0 regressions, 0 rows cross the gate']);
  expect(runProgram('gate.mjs', '/nowhere', source)).toEqual([
    '/nowhere: no such file or directory (74)',
  ]);
});
