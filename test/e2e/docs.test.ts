// The documentation is true: every example prints what its page says, every link leads somewhere, and
// the tables of commands and formats are whole. UPDATE_DOCS=1 writes the outputs anew.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type DocExample,
  expectedLines,
  parseExamples,
  replaceOutputs,
} from '../helpers/doc-examples.ts';
import { jsonOf, MAIN, outputOf, ROOT, runCli, temporaryFolder } from '../helpers/run-cli.ts';
import { describeWithTools } from '../helpers/tools.ts';

const UPDATE = process.env['UPDATE_DOCS'] === '1';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'CHANGELOG-formats.md',
  'src/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, 'traces')).map((name) => `traces/${name}/RECORDING.md`),
];

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** A folder in which the examples run: `slabreplay` is the built program, `traces` the bundled ones. */
function exampleFolder(): string {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'slabreplay'),
    `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
  );
  chmodSync(join(folder, 'slabreplay'), 0o755);
  symlinkSync(join(ROOT, 'traces'), join(folder, 'traces'));
  return folder;
}

/** The words of a command line that has nothing but words for the shell; undefined of any other. */
function plainWords(command: string): string[] | undefined {
  const word = /"[^"$`\\]*"|'[^']*'|[\w./:=,+%@-]+/;
  if (!new RegExp(`^(?:${word.source})(?: (?:${word.source}))*$`).test(command)) return undefined;
  return command
    .match(new RegExp(word, 'g'))
    ?.map((each) => (/^["']/.test(each) ? each.slice(1, -1) : each));
}

/** What a command prints, errors included, as lines. */
async function runExample(command: string, folder: string): Promise<string[]> {
  const text = await textOf(command, folder);
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

async function textOf(command: string, folder: string): Promise<string> {
  const [first = '', ...filters] = command.includes('PIPESTATUS') ? [] : command.split(' | ');
  const [program, ...args] = plainWords(first) ?? [];
  if (program !== 'slabreplay') return shell(command, folder);
  const { stdout, stderr } = await runCli(args, { cwd: folder });
  return (filters.length === 0 ? stdout : shell(filters.join(' | '), folder, stdout)) + stderr;
}

function shell(command: string, folder: string, input = ''): string {
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env['PATH']}`,
    NO_COLOR: '1',
    TZ: 'UTC',
  };
  const script = `{ ${command}\n} 2>&1; true`;
  return execFileSync('bash', ['-c', script], {
    cwd: folder,
    env,
    input,
    encoding: 'utf8',
  });
}

describeWithTools(['bash'], 'examples', () => {
  const withExamples = PAGES.filter((page) => parseExamples(read(page)).length > 0);

  test.each(withExamples)('%s', async (page) => {
    const folder = exampleFolder();
    const outputs: { example: DocExample; lines: readonly string[] }[] = [];
    for (const example of parseExamples(read(page))) {
      const lines = expectedLines(example, await runExample(example.command, folder));
      outputs.push({ example, lines });
    }
    if (UPDATE) writeFileSync(join(ROOT, page), replaceOutputs(read(page), outputs));
    const shown = (pick: (output: (typeof outputs)[0]) => readonly string[]): string =>
      outputs
        .map((output) => [`$ ${output.example.command}`, ...pick(output)].join('\n'))
        .join('\n');
    expect(shown(({ example, lines }) => (UPDATE ? lines : example.lines))).toBe(
      shown(({ lines }) => lines),
    );
  });

  test('the README shows what npm start prints', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const command = /main\.js (.*)$/.exec(scripts['start'] ?? '')?.[1];
    const commands = parseExamples(read('README.md')).map((example) => example.command);
    expect(commands).toContain(`slabreplay ${command}`);
  });
});

describe('links', () => {
  test.each(PAGES)('of %s lead somewhere', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)\s]*)?\)/g)].map((m) => m[1] ?? '');
    const missing = targets
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => !existsSync(join(ROOT, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  test('no page of docs/ is left out of the README', () => {
    const readme = read('README.md');
    const missing = PAGES.filter((page) => page.startsWith('docs/')).filter(
      (page) => !readme.includes(`(${page})`),
    );
    expect(missing).toEqual([]);
  });
});

/** The first cells of the rows of a page's tables, without backquotes. */
function firstCells(page: string): string[] {
  return [...read(page).matchAll(/^\| `([^`]+)`/gm)].map((m) => m[1] ?? '');
}

describe('tables', () => {
  test('the README has every command', async () => {
    const help = await outputOf(['--help']);
    const commands = [...help.matchAll(/^ {2}(\w+) (?:\[options\]|<)/gm)].map((m) => m[1] ?? '');
    expect(commands.length).toBeGreaterThan(8);
    const cells = firstCells('README.md').map((cell) => cell.split(' ')[0] ?? '');
    expect(cells).toEqual(expect.arrayContaining(commands.filter((name) => name !== 'help')));
  });

  test('docs/formats.md has every format', async () => {
    const { formats } = await jsonOf<{ formats: { name: string }[] }>(['formats']);
    expect(firstCells('docs/formats.md')).toEqual(
      expect.arrayContaining(formats.map((format) => format.name)),
    );
  });

  test('src/README.md has every folder', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${entry.name}/`);
    expect(firstCells('src/README.md')).toEqual(expect.arrayContaining(folders));
  });

  test('docs/recording-folder.md has every sidecar that a database takes in', async () => {
    const { SIDECAR_NAMES } = await import('../../src/recording/sidecars.ts');
    const page = read('docs/recording-folder.md');
    expect(SIDECAR_NAMES.filter((name) => !page.includes(name.replace('.before', '')))).toEqual([]);
  });
});
