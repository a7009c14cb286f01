// The slab map of a page against the kernel's own slabs, slot by slot (slub_truth.tsv.gz).

import { expect, test } from 'vitest';
import { reportRun } from '../../src/commands/report/report-run.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';

/** The kernel's state for each letter that claims one; `u` says itself that it does not know. */
const STATES: Readonly<Record<string, string>> = { '.': 'F', o: 'C', n: 'A', l: 'A', p: 'A' };

/** `cache  object  state  slab  where  index` */
function readTruth(name: string): Map<bigint, string> {
  const text = recordedText(name, 'slub_truth.tsv');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, object, state = ''] = line.split('\t');
      return [BigInt(`0x${object}`), state];
    }),
  );
}

describeWithData('debian-plain', 'the slab map', () => {
  test('draws every slot as the kernel had it, but for those it calls uncertain', async () => {
    const truth = readTruth('debian-plain');
    const { slabs } = await reportRun(
      { source: recording('debian-plain') },
      { replays: true, scans: false },
    );
    const counts = new Map<string, number>();
    let wrong = 0;
    for (const { slabSize, rows } of slabs) {
      for (const { address, slots } of rows) {
        for (let slot = 0; slot < slots.length; slot++) {
          const letter = slots[slot] ?? '';
          counts.set(letter, (counts.get(letter) ?? 0) + 1);
          const state = truth.get(BigInt(address) + BigInt(slot * slabSize));
          if (letter in STATES && state !== STATES[letter]) wrong++;
        }
      }
    }
    expect(wrong).toBe(0);
    expect([...counts.keys()].sort()).toEqual(['.', 'l', 'n', 'o', 'p', 'u']);
    expect(counts.get('l')).toBeGreaterThan(40_000);
    expect(counts.get('u')).toBeLessThan(200);
  });
});
