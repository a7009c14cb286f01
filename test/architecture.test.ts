// The data flow of the tool as a rule: who may import whom. Static, dynamic and type imports count alike.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '..', 'src');
/** A folder with more files is sorted by nothing that a reader could see. */
const MAX_FILES_IN_FOLDER = 30;

/**
 * Layers, lowest first. A folder may import from those above it in this list; what shares a line may
 * not import each other.
 */
const LAYERS = [
  ['base'],
  ['kernel'],
  ['recording'],
  ['ingest', 'store', 'snapshot', 'replay'],
  ['pairing'],
  ['run'],
  ['analysis'],
  ['render'],
  ['commands'],
  ['library', 'cli'],
  ['index.ts'],
];

/** The npm packages that a layer may import. */
const PACKAGES: Record<string, readonly string[]> = {
  base: ['fzstd', 'xz-decompress'],
  ingest: ['@bufbuild/protobuf', 'csv-parse', 'fzstd'],
  snapshot: ['fzstd'],
  store: ['better-sqlite3'],
  // The last two are bundled into dist/ by the build.
  render: ['cli-table3', 'd3-hierarchy', 'uplot'],
  commands: ['hyparquet-writer', 'pprof-format'],
  cli: ['commander'],
};

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts'));

/** What a module imports: `'./x.ts'`, `'node:fs'`, `'commander'`; in comments too, which does no harm. */
function importsOf(module: string): string[] {
  const source = readFileSync(join(SRC, module), 'utf8');
  const found = source.matchAll(
    /^(?:import|export)\s[^;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...found].map(([, from, effect, dynamic]) => from ?? effect ?? dynamic ?? '');
}

const layerOf = (path: string): number =>
  LAYERS.findIndex((layer) => layer.includes(path.split('/')[0] ?? ''));

function isAllowed(module: string, target: string): boolean {
  const [from, to] = [layerOf(module), layerOf(target)];
  if (from !== to) return from > to;
  const [folder, command] = module.split('/');
  const [toFolder, toCommand] = target.split('/');
  if (folder !== toFolder) return false;
  return folder !== 'commands' || command === toCommand || toCommand === 'shared';
}

test('every folder has its layer', () => {
  expect(modules.filter((module) => layerOf(module) < 0)).toEqual([]);
});

test('modules import from lower layers, and commands not from each other', () => {
  const forbidden = modules.flatMap((module) =>
    importsOf(module)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => normalize(join(dirname(module), specifier)))
      .filter((target) => !isAllowed(module, target))
      .map((target) => `${module} -> ${target}`),
  );
  expect(forbidden).toEqual([]);
});

/** `@scope/name` of `@scope/name/part`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

test('modules import the npm packages of their layer', () => {
  const foreign = modules.flatMap((module) =>
    importsOf(module)
      .filter((specifier) => !/^(?:\.|node:)/.test(specifier))
      .filter((name) => !PACKAGES[module.split('/')[0] ?? '']?.includes(packageOf(name)))
      .map((name) => `${module} -> ${name}`),
  );
  expect(foreign).toEqual([]);
});

/** Modules that are loaded with a module, at once and not when they are needed. */
function loadedWith(module: string): string[] {
  const seen = new Set([module]);
  for (const path of seen) {
    if (!path.endsWith('.ts')) continue;
    const source = readFileSync(join(SRC, path), 'utf8');
    for (const [, from = ''] of source.matchAll(
      /^(?:import|export)\s(?!type\b)[^;]*?\bfrom\s+'([^']+)'/gm,
    )) {
      seen.add(from.startsWith('.') ? normalize(join(dirname(path), from)) : from);
    }
  }
  return [...seen];
}

test('a command says what it is without loading what it does', () => {
  const slow = modules
    .filter((module) => /^commands\/\w+\/command\.ts$/.test(module))
    .flatMap((module) =>
      loadedWith(module)
        .filter(
          (loaded) =>
            !/^(?:node:|base\/|commands\/shared\/|render\/escape\.ts|pairing\/selection-texts\.ts)/.test(
              loaded,
            ),
        )
        .filter((loaded) => dirname(loaded) !== dirname(module))
        .map((loaded) => `${module} -> ${loaded}`),
    );
  expect(slow).toEqual([]);
});

test('the scan sees static, dynamic and type imports', () => {
  expect(modules.length).toBeGreaterThan(500);
  expect(importsOf('cli/main.ts')).toContain('./program.ts');
  expect(importsOf('cli/commands.ts')).toContain('../commands/analyze/command.ts');
  expect(importsOf('run/open-run.ts')).toContain('./prepare-replay.ts');
});

test('only the program listens to its process and ends it: a library is a guest', () => {
  const takes = /\bprocess\.(?:on|once|off|emit|exit|abort|kill)\(/;
  const found = modules.filter(
    (module) => !module.startsWith('cli/') && takes.test(readFileSync(join(SRC, module), 'utf8')),
  );
  expect(found).toEqual([]);
});

test(`no folder has more than ${MAX_FILES_IN_FOLDER} files`, () => {
  const counts = new Map<string, number>();
  for (const module of modules) {
    counts.set(dirname(module), (counts.get(dirname(module)) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > MAX_FILES_IN_FOLDER)).toEqual([]);
});
