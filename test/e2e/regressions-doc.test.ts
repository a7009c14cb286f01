// docs/regressions.md walks from two recordings to a red CI job on recordings that are not part of the
// repository: where they are, every `sh-session` block must print what the page says (in the README
// too, if it shows any). UPDATE_DOCS=1 writes the outputs anew. docs/ci.md: its commands and options
// exist.

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWithData, recording } from '../helpers/data.ts';
import { parseExamples, replaceOutputs } from '../helpers/doc-examples.ts';
import { MAIN, outputOf, ROOT, temporaryFolder } from '../helpers/run-cli.ts';
import { describeWithTools } from '../helpers/tools.ts';

const RECORDINGS = ['base', 'base2', 'base3', 'new', 'new2'].map((name) => `regress-${name}`);

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** Where the examples run: the recordings, the built program as `slabreplay`, the page's files. */
function exampleFolder(markdown: string): string {
  const folder = temporaryFolder();
  for (const name of RECORDINGS) symlinkSync(recording(name), join(folder, name));
  const program = join(folder, 'slabreplay');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(program, 0o755);
  // A file stands under its name: `slab-gates.json`:
  for (const [, name, content] of markdown.matchAll(/`(\S+\.json)`:\n\n```json\n([\s\S]*?)```/g)) {
    writeFileSync(join(folder, name as string), content as string);
  }
  return folder;
}

/** What a command prints, errors included, as lines. */
function runExample(command: string, cwd: string): string[] {
  const env = { ...process.env, PATH: `${cwd}:${process.env['PATH']}`, NO_COLOR: '1', TZ: 'UTC' };
  const script = `exec 2>&1; ${command}; true`;
  const text = execFileSync('bash', ['-c', script], { cwd, env, encoding: 'utf8' });
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

describeWithData(RECORDINGS, 'docs/regressions.md', () => {
  describeWithTools(['bash'], 'examples', () => {
    test.each(['docs/regressions.md', 'README.md'])('%s prints what it says', (page) => {
      const markdown = read(page);
      const folder = exampleFolder(markdown);
      const examples = parseExamples(
        markdown.replaceAll('```console', '```').replaceAll('```sh-session', '```console'),
      );
      const outputs = examples.map((example) => ({
        example,
        lines: runExample(example.command, folder),
      }));
      if (process.env['UPDATE_DOCS'] === '1') {
        writeFileSync(join(ROOT, page), replaceOutputs(markdown, outputs));
        return;
      }
      if (page.startsWith('docs/')) expect(examples.length).toBeGreaterThan(5);
      for (const { example, lines } of outputs) {
        expect([`$ ${example.command}`, ...example.lines].join('\n')).toBe(
          [`$ ${example.command}`, ...lines].join('\n'),
        );
      }
    });
  });
});

test('the options in docs/ci.md and docs/regressions.md exist', async () => {
  const help = await outputOf(['compare', '--help']);
  const commands = [read('docs/ci.md'), read('docs/regressions.md')]
    .flatMap((page) => page.replaceAll('\\\n', '').split('\n'))
    .filter((line) => line.includes('slabreplay compare'));
  const options = commands.flatMap((line) => line.match(/(?<= )--[a-z-]+/g) ?? []);
  expect(options.length).toBeGreaterThan(20);
  for (const option of new Set(options)) expect(help).toMatch(new RegExp(`${option}\\b`));
});
