// System.map in place of kallsyms: made from a recording's kallsyms by taking the offset of KASLR away
// again, which the events alone must then tell.

import { beforeAll, expect, test } from 'vitest';
import { type FoundSymbols, findSymbols } from '../../src/run/find-symbols.ts';
import { openRun } from '../../src/run/open-run.ts';
import type { ResolvedRun } from '../../src/run/resolved-run.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';
import { madeSidecars } from '../helpers/made-sidecars.ts';

const X86_LINKED = 0xffffffff81000000n;
const ARM64_LINKED = 0xffff800080000000n;

/** The kernel's own lines of kallsyms, as linked at an address; and the offset. */
function linkedMap(folder: string, linkedAt: bigint): { text: string; offset: bigint } {
  const kallsyms = recordedText(folder, 'kallsyms.txt');
  const text = BigInt(`0x${/^(\S+) T _text$/m.exec(kallsyms)?.[1]}`);
  const offset = text - linkedAt;
  const lines = kallsyms.split('\n').filter((line) => line !== '' && !line.includes('\t['));
  const moved = lines.map((line) => {
    const address = BigInt(`0x${line.slice(0, 16)}`);
    const own = address >> 63n === 1n ? address - offset : address;
    return own.toString(16).padStart(16, '0') + line.slice(16);
  });
  return { text: moved.join('\n'), offset };
}

function named(source: string, run: ResolvedRun, map: string): Promise<FoundSymbols> {
  return findSymbols({ source }, madeSidecars({ 'System.map': map }), run.dictionary);
}

/** Of the sites that kallsyms names in the kernel itself: how many have the same name. */
function compareNames(
  run: ResolvedRun,
  { symbols }: FoundSymbols,
): { same: number; other: number } {
  const { sites } = run.dictionary;
  let same = 0;
  let other = 0;
  for (let site = 1; site < sites.length; site++) {
    const { symbol, module } = run.sites.get(site);
    if (symbol === null || module !== null) continue;
    const found = symbols?.resolve(sites.hi(site), sites.lo(site));
    if (found && `${found.name}+0x${found.offset.toString(16)}` === symbol) same++;
    else other++;
  }
  return { same, other };
}

describeWithData('debian-variants', 'System.map of x86', () => {
  const source = recording('debian-variants', 'f-perf', 'plain.data.gz');
  let run: ResolvedRun;
  beforeAll(async () => {
    ({ run } = await openRun({ source, sidecars: [recording('debian-variants')] }));
  });

  test('the call sites tell the offset, and all have the names of kallsyms', async () => {
    const { text, offset } = linkedMap('debian-variants', X86_LINKED);
    const found = await named(source, run, text);
    expect(found.symbols?.addressOf('_text')).toBe(X86_LINKED + offset);
    expect(compareNames(run, found)).toEqual({ same: expect.any(Number), other: 0 });
    expect(compareNames(run, found).same).toBeGreaterThan(300);
    expect(found.symbolNotes[0]).toContain(`moved by 0x${offset.toString(16)}`);
  });

  test('that of another kernel names nothing', async () => {
    const { text } = linkedMap('debian-variants-612', X86_LINKED);
    const found = await named(source, run, text);
    expect(found.symbols).toBeUndefined();
    expect(found.symbolNotes[0]).toMatch(/^System.map is of another kernel/);
  });
});

describeWithData(['debian-arm64', 'debian-arm64-16k'], 'System.map of arm64', () => {
  const source = recording('debian-arm64');
  test('the call sites tell the offset; the map of another build is refused', async () => {
    const { run } = await openRun({ source });
    const { text, offset } = linkedMap('debian-arm64', ARM64_LINKED);
    const found = await named(source, run, text);
    expect(found.symbols?.addressOf('_text')).toBe(ARM64_LINKED + offset);
    expect(compareNames(run, found).other).toBe(0);
    const other = await named(source, run, linkedMap('debian-arm64-16k', ARM64_LINKED).text);
    expect(other.symbols).toBeUndefined();
  });
});
