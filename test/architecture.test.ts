import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '..', 'src');

interface Layer {
  /** Folders it may import values and types from. Its own folder is always allowed. */
  readonly from?: readonly string[];
  /** Folders it may import types from, and nothing else. */
  readonly types?: readonly string[];
  /** npm packages it may import. */
  readonly packages?: readonly string[];
}

/** The data flow of the tool, written down once. A folder that is not listed fails the test. */
const LAYERS: Record<string, Layer> = {
  base: { packages: ['fzstd'] },
  kernel: { from: ['base'] },
  ingest: { from: ['base', 'kernel'], packages: ['csv-parse', 'fzstd'] },
  snapshot: { from: ['base', 'kernel'], packages: ['fzstd'] },
  record: { from: ['base'] },
  store: { from: ['base', 'kernel'], packages: ['better-sqlite3'] },
  replay: { from: ['base', 'kernel'] },
  analysis: { from: ['base', 'kernel'], types: ['replay', 'store'] },
  report: {
    from: ['base', 'kernel'],
    types: ['analysis', 'pipeline'],
    packages: ['cli-table3', 'd3-hierarchy', 'hyparquet-writer', 'pprof-format', 'uplot'],
  },
  pipeline: {
    from: ['base', 'kernel', 'ingest', 'snapshot', 'store', 'replay', 'analysis', 'record'],
  },
  cli: {
    from: ['base', 'pipeline', 'report'],
    types: ['analysis'],
    packages: ['commander'],
  },
};

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function importsOf(source: string): Import[] {
  const found = source.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?\bfrom\s+'([^']+)'/gm);
  return [...found].map((m) => ({ typeOnly: m[1] !== undefined, specifier: m[2] ?? '' }));
}

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((f) =>
  f.endsWith('.ts'),
);

test.each(modules.filter((m) => m !== 'index.ts'))(
  '%s imports only what its layer may',
  (module) => {
    const folder = module.split(sep)[0] ?? '';
    const layer = LAYERS[folder];
    expect(layer, `src/${folder} has no entry in LAYERS`).toBeDefined();
    for (const { specifier, typeOnly } of importsOf(readFileSync(join(SRC, module), 'utf8'))) {
      if (specifier.startsWith('node:')) continue;
      const message = `src/${module} imports ${specifier}`;
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(module), specifier)).split(sep)[0] ?? '';
        const allowed = [folder, ...(layer?.from ?? []), ...((typeOnly && layer?.types) || [])];
        expect(allowed, message).toContain(target);
      } else {
        expect(layer?.packages ?? [], message).toContain(specifier.split('/')[0]);
      }
    }
  },
);

// A rule checker that sees no files reports no violations; make that a failure.
test('the scan sees the source', () => {
  expect(modules.length).toBeGreaterThan(5);
});
