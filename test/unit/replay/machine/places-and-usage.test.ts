// Where the model's slabs lie, and what they take: memory-nodes.ts, page-source.ts, slab-usage.ts.

import { describe, expect, test } from 'vitest';
import { learnNodes } from '../../../../src/replay/machine/memory-nodes.ts';
import { SlabUsage } from '../../../../src/replay/model/slab-usage.ts';
import { PageSource } from '../../../../src/replay/simulate/page-source.ts';

describe('memory nodes', () => {
  /** Node 0 has pages 1 to 4095, node 1 pages 4096 to 8191. */
  const ZONEINFO = `Node 0, zone      DMA
        spanned  4095
  start_pfn:           1
Node 1, zone    DMA32
        spanned  4096
  start_pfn:           4096
`;
  const HI = 0xffff8880;
  const places = (...objects: [lo: number, cpu: number][]) => ({
    length: objects.length,
    lo: (i: number) => (objects[i] as [number, number])[0],
    hi: () => HI,
    cpu: (i: number) => (objects[i] as [number, number])[1],
  });

  test('a page is of the node whose span it lies in, a CPU of that which serves it most', () => {
    const nodes = learnNodes(
      ZONEINFO,
      places([0x2000, 1], [0x1001000, 0], [0x1002000, 0], [0x3000, 0], [0x1000, 1]),
      4096,
    );
    expect(nodes.count).toBe(2);
    expect([nodes.nodeOf(0xfff000, HI), nodes.nodeOf(0x1000000, HI)]).toEqual([0, 1]);
    expect([nodes.nodeOfCpu(0), nodes.nodeOfCpu(1), nodes.nodeOfCpu(9 as number)]).toEqual([
      1, 0, 0,
    ]);
  });

  test('without zoneinfo, with one node or without objects all memory is one node', () => {
    const one = ZONEINFO.slice(0, ZONEINFO.indexOf('Node 1'));
    for (const nodes of [
      learnNodes(undefined, places([0x1001000, 0]), 4096),
      learnNodes(one, places([0x1001000, 0]), 4096),
      learnNodes(ZONEINFO, places(), 4096),
    ]) {
      expect([nodes.count, nodes.nodeOf(0x1001000, HI), nodes.nodeOfCpu(1)]).toEqual([1, 0, 0]);
    }
  });
});

describe('pages of a simulated replay', () => {
  const text = ({ lo, hi }: { lo: number; hi: number }): string =>
    ((BigInt(hi) << 32n) | BigInt(lo)).toString(16);

  test('are aligned to their size and come one after the other', () => {
    const pages = new PageSource(4096);
    const taken = [pages.take(0), pages.take(1), pages.take(0), pages.take(3)].map(text);
    expect(taken).toEqual([
      'ffff888100000000',
      'ffff888100002000',
      'ffff888100004000',
      'ffff888100008000',
    ]);
  });

  test('that came back are given out again, the last first, by their order', () => {
    const pages = new PageSource(4096);
    const [a, b, c] = [pages.take(0), pages.take(0), pages.take(1)];
    pages.giveBack(0, a.lo, a.hi);
    pages.giveBack(0, b.lo, b.hi);
    pages.giveBack(1, c.lo, c.hi);
    expect([pages.take(0), pages.take(1), pages.take(0)]).toEqual([b, c, a]);
  });

  test('go on behind 4 GiB', () => {
    const pages = new PageSource(2 ** 20);
    for (let i = 0; i < 4; i++) pages.take(10);
    expect(text(pages.take(0))).toBe('ffff888200000000');
  });
});

describe('what the caches take', () => {
  test('now, and when slab memory was highest', () => {
    const usage = new SlabUsage(2);
    usage.changePages(0, 4096);
    usage.allocated(0, 50, 100);
    usage.changePages(1, 8192);
    usage.allocated(1, 200, 200); // the peak: 12288
    usage.allocated(0, 60, 250); // as high, but later
    usage.freed(1, 200);
    usage.changePages(1, -8192);
    usage.allocated(0, 10, 300);
    expect([usage.bytes, usage.peakBytes, usage.peakTs]).toEqual([4096, 12288, 200]);
    expect(usage.ofPeak(0)).toEqual({ slabBytes: 4096, objects: 1, requested: 50 });
    expect(usage.ofPeak(1)).toEqual({ slabBytes: 8192, objects: 1, requested: 200 });
    expect([usage.objects.now[0], usage.requested.now[0], usage.slabBytes.now[1]]).toEqual([
      3, 120, 0,
    ]);
  });

  test('a new peak takes the place of the one before', () => {
    const usage = new SlabUsage(1);
    usage.changePages(0, 4096);
    usage.allocated(0, 50, 100);
    usage.freed(0, 50);
    usage.changePages(0, 4096);
    usage.allocated(0, 70, 200);
    expect([usage.peakBytes, usage.peakTs]).toEqual([8192, 200]);
    expect(usage.ofPeak(0)).toEqual({ slabBytes: 8192, objects: 1, requested: 70 });
  });
});
