// One of a thing is not called by its plural: in the documentation, in accepted outputs, and in what
// every command prints of a recording that has one of everything.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, runCli, temporaryFolder } from '../helpers/run-cli.ts';

/** Words that end with an s and are no plural, or names that follow a number. */
const NO_PLURALS =
  /^1 (?:less|is|was|has|this|its|as|does|points|pass|class|address|process|access|bus|us|ms|ns)$/;

function plurals(text: string): string[] {
  const found = text.matchAll(/(?<![\w.,:/+-])1 (?:[a-z-]+ )??[a-z]+s\b/g);
  return [...found]
    .map(([words]) => words)
    .filter((words) => !NO_PLURALS.test(words.replace(/^1 .* /, '1 ')));
}

describe('what was written down', () => {
  const files = ['README.md', 'docs', 'test/golden'].flatMap((path) =>
    path.endsWith('.md')
      ? [path]
      : readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.(?:md|txt|json|csv)$/.test(name))
          .map((name) => join(path, name)),
  );

  test.each(files)('%s', (path) => {
    expect(plurals(readFileSync(join(ROOT, path), 'utf8'))).toEqual([]);
  });
});

const HEAD = 'ts,cpu,pid,event,ptr,comm,call_site,bytes_req,bytes_alloc,gfp_flags,cache';
const ROW = {
  alloc: '1.0,0,1,kmalloc,0xffff888003a40040,one,0xffffffff81000010,33,64,0xcc0,',
  free: '1.5,0,1,kfree,0xffff888003a40040,one,0xffffffff81000020,,,,',
  unknown: '1.2,0,1,kfree,0xffff888003b40040,one,0xffffffff81000020,,,,',
  nothing: '1.3,0,1,kmalloc,0x0,one,0xffffffff81000030,33,64,0xcc0,',
  lost: '1.4,0,1,lost,,,,,,,',
  bad: '1.45,0,1,kmalloc,nowhere,one,0xffffffff81000010,33,64,0xcc0,',
};
const TRACES = {
  'one live object': [ROW.alloc],
  'one object, freed': [ROW.alloc, ROW.free],
  'one of what goes wrong': [ROW.alloc, ROW.unknown, ROW.nothing, ROW.bad],
};
const COMMANDS = [
  ['analyze', 'TRACE'],
  ['frag', 'TRACE', '--by', 'site'],
  ['rates', 'TRACE'],
  ['lint', 'TRACE'],
  ['leaks', 'TRACE', '--outstanding'],
  ['replay', 'TRACE'],
  ['replay', 'TRACE', '--slub-debug', 'FZPU'],
  ['replay', 'TRACE', '--at', 'end', '--cache', 'kmalloc-64'],
  ['history', 'TRACE', '0xffff888003a40040'],
  ['compare', 'TRACE', '--to', 'OTHER'],
  ['compare', 'OTHER', '--to', 'TRACE', '--format', 'markdown'],
  ['ingest', 'TRACE', '-o', 'OUT'],
  ['export', 'TRACE', '--to', 'csv', '-o', 'OUT'],
  ['export', 'TRACE', '--to', 'collapsed', '-o', 'OUT'],
  ['report', 'TRACE', '-o', '/dev/stdout'],
];

describe.each(Object.entries(TRACES))('%s', (_, rows) => {
  test.each(COMMANDS)('%s %s %s %s', async (...args) => {
    const folder = temporaryFolder();
    const paths: Record<string, string> = {
      TRACE: join(folder, 'trace.csv'),
      OTHER: join(folder, 'other.csv'),
      OUT: join(folder, 'out'),
    };
    writeFileSync(join(folder, 'trace.csv'), `${[HEAD, ...rows].join('\n')}\n`);
    const large = ROW.alloc.replace('33,64', '100000,131072');
    writeFileSync(join(folder, 'other.csv'), `${[HEAD, large].join('\n')}\n`);
    const { code, stdout, stderr } = await runCli(args.map((arg) => paths[arg] ?? arg));
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const shown = stdout.replace(/<(script|style)[\s\S]*?<\/\1>/g, '');
    expect(plurals(shown + stderr)).toEqual([]);
  });
});

test('the search finds what it is made for', () => {
  const text =
    '1 objects in 1 slabs, 21 slabs; 1 damaged records, 0.1 seconds; 1 first objects of new slabs';
  expect(plurals(text)).toEqual(['1 objects', '1 slabs', '1 damaged records', '1 first objects']);
});
