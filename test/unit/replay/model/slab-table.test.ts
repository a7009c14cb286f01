import { describe, expect, test } from 'vitest';
import { NIL, NO_SLAB, ON, SlabTable } from '../../../../src/replay/model/slab-table.ts';

const HI = 0xffff8880;

function table(): { slabs: SlabTable; row: number } {
  const slabs = new SlabTable(4096);
  return { slabs, row: slabs.add(3 as number, 0x10000, HI, 1, 6, 0) };
}

describe('a slab in the table', () => {
  test('is found by any address in its pages, and by no other', () => {
    const { slabs, row } = table();
    for (const lo of [0x10000, 0x10fff, 0x11000, 0x11fff]) expect(slabs.find(lo, HI)).toBe(row);
    for (const lo of [0xffff, 0x12000]) expect(slabs.find(lo, HI)).toBe(NO_SLAB);
    expect(slabs.find(0x10000, HI + 1)).toBe(NO_SLAB);
    expect(slabs.base(row)).toBe(0xffff888000010000n);
    expect(slabs.offsetIn(row, 0x11008, HI)).toBe(0x1008);
  });

  test('may lie across a boundary of 4 GiB', () => {
    const slabs = new SlabTable(65536);
    const row = slabs.add(0, 0xffff0000, HI, 1, 4, 0);
    expect([slabs.find(0xffff0010, HI), slabs.find(0x20, HI + 1)]).toEqual([row, row]);
    expect(slabs.find(0x10000, HI + 1)).toBe(NO_SLAB);
    expect(slabs.offsetIn(row, 0x20, HI + 1)).toBe(0x10020);
    slabs.remove(row);
    expect(slabs.find(0x20, HI + 1)).toBe(NO_SLAB);
  });

  test('begins full, on no list, none of its objects known to be used', () => {
    const { slabs, row } = table();
    expect([slabs.inuse[row], slabs.freelist[row], slabs.on[row]]).toEqual([6, NIL, ON.none]);
    expect([slabs.isFree(row, 0), slabs.wasUsed(row, 0)]).toEqual([false, false]);
    slabs.fill(row, [2, 0, 1, 5, 4, 3]);
    expect(slabs.inuse[row]).toBe(0);
    expect(slabs.listed(row, slabs.freelist[row] as number)).toEqual([2, 0, 1, 5, 4, 3]);
    expect([slabs.isFree(row, 0), slabs.wasUsed(row, 0)]).toEqual([true, false]);
    slabs.setAllocated(row, 0);
    expect([slabs.isFree(row, 0), slabs.wasUsed(row, 0)]).toEqual([false, true]);
  });

  test('is told of before it is forgotten; its row and its slots serve again', () => {
    const { slabs, row } = table();
    const told: string[] = [];
    slabs.watch({ slabRemoved: (gone) => told.push(`${gone} of cache ${slabs.cache[gone]}`) });
    const slot = slabs.slot(row, 0);
    slabs.remove(row);
    expect(told).toEqual([`${row} of cache 3`]);
    expect([slabs.cache[row], slabs.find(0x10000, HI)]).toEqual([-1, NO_SLAB]);
    const again = slabs.add(1, 0x40000, HI, 0, 6, 0);
    expect([again, slabs.slot(again, 0)]).toEqual([row, slot]);
    expect(slabs.wasUsed(again, 0)).toBe(false);
    const larger = slabs.add(1, 0x50000, HI, 0, 7, 0);
    expect(slabs.slot(larger, 0)).toBeGreaterThanOrEqual(slot + 6);
  });

  test('keeps what it has while thousands come', () => {
    const { slabs, row } = table();
    slabs.fill(row, [5, 4, 3, 2, 1, 0]);
    const rows = Array.from({ length: 3000 }, (_, i) => slabs.add(0, i * 4096, HI + 1, 0, 2, 0));
    expect(new Set([...rows, row]).size).toBe(3001);
    expect(slabs.listed(row, 5 as number)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(slabs.find(2999 * 4096, HI + 1)).toBe(rows[2999]);
  });
});

describe('freelists', () => {
  test('objects are put in front and taken out of the middle', () => {
    const { slabs, row } = table();
    let head = NIL;
    for (const object of [4, 1, 3, 0]) head = slabs.push(row, object, head);
    expect(slabs.listed(row, head)).toEqual([0, 3, 1, 4]);
    expect(slabs.unlink(row, 3 as number)).toBe(1);
    expect(slabs.listed(row, head)).toEqual([0, 1, 4]);
    expect([slabs.prevObject(row, 1), slabs.countList(row, head)]).toEqual([0, 3]);
    expect(slabs.before(row, head, 4 as number, 2)).toEqual([0, 1]);
    expect(slabs.before(row, head, 4 as number, 1)).toEqual([]);
    expect(slabs.before(row, head, 5 as number, 9)).toEqual([]);
  });

  test('one list goes in front of another; one is turned round', () => {
    const { slabs, row } = table();
    const front = slabs.push(row, 1, slabs.push(row, 2 as number, NIL));
    const back = slabs.push(row, 5 as number, NIL);
    expect(slabs.splice(row, front, back)).toEqual({ head: 1, count: 2 });
    expect(slabs.listed(row, 1)).toEqual([1, 2, 5]);
    expect(slabs.splice(row, NIL, 1)).toEqual({ head: 1, count: 0 });
    const turned = slabs.reverse(row, 1);
    expect(slabs.listed(row, turned)).toEqual([5, 2, 1]);
    expect([slabs.prevObject(row, 5 as number), slabs.prevObject(row, 1)]).toEqual([NIL, 2]);
  });

  test('unused objects go behind the used ones, ascending', () => {
    const { slabs, row } = table();
    slabs.fill(row, [3, 0, 5, 1, 4, 2]);
    for (const object of [0, 4]) {
      slabs.setAllocated(row, object);
      slabs.push(row, object, NIL);
    }
    slabs.fill(row, [3, 0, 5, 1, 4, 2]);
    const { head, lower } = slabs.sortUnused(row, 3, 3);
    expect(slabs.listed(row, head)).toEqual([0, 4, 1, 2, 3, 5]);
    expect(lower).toEqual([1, 2]);
  });
});

test('slabs by cache, by address', () => {
  const slabs = new SlabTable(4096);
  const high = slabs.add(1, 0x1000, HI + 1, 0, 1, 0);
  const low = slabs.add(1, 0x9000, HI, 0, 1, 0);
  const other = slabs.add(0, 0x5000, HI, 0, 1, 0);
  slabs.remove(slabs.add(0, 0x6000, HI, 0, 1, 0));
  expect(slabs.rowsByCache(2)).toEqual([[other], [low, high]]);
});
