// What reports say beyond the bytes, with the tracks of each kernel written by hand.

import { describe, expect, test } from 'vitest';
import type { CheckedSlab } from '../../../../src/kernel/checks/checked-slab.ts';
import type { ObjectLayout } from '../../../../src/kernel/slub/calculate-sizes.ts';
import { SnapshotDetails } from '../../../../src/snapshot/validate/report-details.ts';
import { TestKernel } from '../../../helpers/machine-builder.ts';

const CODE = 0xffffffff81001234n;

async function details(
  release: string,
  write: (kernel: TestKernel) => void = () => undefined,
): Promise<SnapshotDetails> {
  const kernel = new TestKernel(release);
  kernel.symbolAt('caller', 0xffffffff81001200n);
  kernel.symbolAt('after', 0xffffffff81001300n);
  const page = kernel.room(64);
  kernel.machine.put64(page, 0x10200n);
  write(kernel);
  const slabs = { page: () => page, pageFlagsAt: 0, config: undefined };
  return new SnapshotDetails(await kernel.open(), slabs);
}

/** Tracks of `size` bytes behind an object of 64. */
function layout(size: number): ObjectLayout {
  return { allocTrack: 72, freeTrack: 72 + size } as ObjectLayout;
}

function slab(write: (bytes: DataView) => void): CheckedSlab {
  const bytes = new Uint8Array(4096);
  write(new DataView(bytes.buffer));
  return { base: 0xffff888000800000n, bytes, objects: 16, inuse: 3, freelist: 0n } as CheckedSlab;
}

describe('tracks', () => {
  test('6.1: a handle of the stack depot, which may lead nowhere', async () => {
    const it = await details('6.1.0', (kernel) => kernel.variable('jiffies_64', 1000n));
    it.setLayout(layout(32));
    const tracked = slab((bytes) => {
      bytes.setBigUint64(72, CODE, true);
      bytes.setUint32(80, 0x4050003, true);
      bytes.setUint32(84, 1, true);
      bytes.setInt32(88, 77, true);
      bytes.setBigUint64(96, 400n, true);
    });
    expect(it.track(tracked, 0, 'alloc')).toEqual({
      site: 'caller+0x34/0x100',
      age: 600,
      cpu: 1,
      pid: 77,
      stack: null,
    });
    expect(it.track(tracked, 0, 'free')).toBeUndefined();
    // Behind the slab's last byte.
    expect(it.track(tracked, 4090, 'alloc')).toBeUndefined();
  });

  test('5.10: up to 16 return addresses', async () => {
    const it = await details('5.10.0');
    it.setLayout(layout(152));
    const tracked = slab((bytes) => {
      const at = 72 + 152;
      bytes.setBigUint64(at, CODE, true);
      bytes.setBigUint64(at + 8, CODE + 1n, true);
      bytes.setBigUint64(at + 16, 0x1000n, true);
      bytes.setUint32(at + 136, 3, true);
      bytes.setInt32(at + 140, 5, true);
    });
    expect(it.track(tracked, 0, 'free')).toEqual({
      site: 'caller+0x34/0x100',
      age: null,
      cpu: 3,
      pid: 5,
      stack: ['caller+0x35/0x100', '0x1000'],
    });
  });

  test('kernels that keep no stacks', async () => {
    const it = await details('6.1.0');
    it.setLayout(layout(24));
    const tracked = slab((bytes) => {
      bytes.setBigUint64(72, CODE, true);
      bytes.setInt32(84, 9, true);
    });
    expect(it.track(tracked, 0, 'alloc')).toMatchObject({ pid: 9, stack: null });
    it.setLayout({ allocTrack: null, freeTrack: null } as ObjectLayout);
    expect(it.track(tracked, 0, 'alloc')).toBeUndefined();
  });
});

describe('the line on struct slab', () => {
  const sound = slab(() => undefined);

  test('names the page flags, before 5.12 only their number', async () => {
    const line = (await details('6.1.0')).slabLine(sound);
    expect(line).toMatch(
      /^Slab 0xffffffff81[0-9a-f]{6} objects=16 used=3 fp=0x0{16} flags=0x10200\(slab\|head\)$/,
    );
    const old = (await details('5.10.0')).slabLine(sound);
    expect(old).toMatch(/^INFO: Slab 0x[0-9a-f]{16} objects=16 used=3 fp=0x0{16} flags=0x10200$/);
  });

  test('is left out where struct slab is not known', async () => {
    const kernel = await new TestKernel('6.1.0').open();
    expect(new SnapshotDetails(kernel, undefined).slabLine(sound)).toBeUndefined();
  });
});

test('the first report taints the kernel; since 6.12 it warns, too', async () => {
  const tainted = (kernel: TestKernel): void => {
    kernel.variable('tainted_mask', 0x3000n);
  };
  const old = await details('6.1.0', tainted);
  expect([old.taint(), old.taint()]).toEqual([
    'Tainted: G           OE     ',
    'Tainted: G    B      OE     ',
  ]);
  const since = await details('6.12.0', tainted);
  expect([since.taint(), since.taint()]).toEqual([
    'Tainted: G           OE     ',
    'Tainted: G    B   W  OE     ',
  ]);
  expect((await details('6.1.0')).taint()).toBeUndefined();
});
