// docs/validate.md shows a recording that is not part of the repository: where it is, every
// `sh-session` block must print what the page says. UPDATE_DOCS=1 writes the outputs anew.

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeWithData, recording } from '../helpers/data.ts';
import { parseExamples, replaceOutputs } from '../helpers/doc-examples.ts';
import { MAIN, ROOT, temporaryFolder } from '../helpers/run-cli.ts';
import { testWithTools } from '../helpers/tools.ts';

const PAGE = join(ROOT, 'docs', 'validate.md');

/** The recording, and the built program as `slabreplay`. */
function exampleFolder(): string {
  const folder = temporaryFolder();
  symlinkSync(recording('latent-slub'), join(folder, 'latent-slub'));
  const program = join(folder, 'slabreplay');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(program, 0o755);
  return folder;
}

function runExample(command: string, cwd: string): string[] {
  const env = { ...process.env, PATH: `${cwd}:${process.env['PATH']}`, NO_COLOR: '1', TZ: 'UTC' };
  const text = execFileSync('bash', ['-c', `exec 2>&1; ${command}; true`], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

describeWithData('latent-slub', 'docs/validate.md', () => {
  testWithTools(['bash'], 'prints what it says', () => {
    const markdown = readFileSync(PAGE, 'utf8');
    const folder = exampleFolder();
    const examples = parseExamples(markdown.replaceAll('```sh-session', '```console'));
    expect(examples.length).toBeGreaterThan(3);
    const outputs = examples.map((example) => ({
      example,
      lines: runExample(example.command, folder),
    }));
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(PAGE, replaceOutputs(markdown, outputs));
      return;
    }
    for (const { example, lines } of outputs) {
      expect([`$ ${example.command}`, ...example.lines].join('\n')).toBe(
        [`$ ${example.command}`, ...lines].join('\n'),
      );
    }
  });
});
