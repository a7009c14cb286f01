// Laws of reading snapshots: whatever the bytes, reading ends, soon and in bounded memory, and throws
// nothing but a ToolError. Whole small machines are cut off and damaged at random, in every form.

import { rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ToolError, TraceFormatError } from '../../../src/base/errors.ts';
import { SymbolTable } from '../../../src/kernel/symbols/symbols.ts';
import { readImageSymbols } from '../../../src/snapshot/kernel/image-symbols.ts';
import { openKernel } from '../../../src/snapshot/kernel/kernel-image.ts';
import { readTasks } from '../../../src/snapshot/kernel/tasks.ts';
import { BtfLayout } from '../../../src/snapshot/layout/btf.ts';
import { PaholeLayout } from '../../../src/snapshot/layout/pahole-text.ts';
import { openSnapshot } from '../../../src/snapshot/memory/open-snapshot.ts';
import { openSlub } from '../../../src/snapshot/slub-walk/walk-slabs.ts';
import { countOccupancy } from '../../helpers/count-occupancy.ts';
import { flattened, kdump, lime, note, PAGE, tempFile } from '../../helpers/image-builders.ts';
import { DIRECT_MAP, TestKernel, VMEMMAP } from '../../helpers/machine-builder.ts';
import { SEED } from '../../helpers/random-traces.ts';

const RUNS = process.env['FC_SEED'] === 'random' ? 2000 : 60;

/** A kernel with one cache of one slab, in 6.1's layout. */
function smallKernel(): TestKernel {
  const kernel = new TestKernel('6.1.0-56-amd64');
  const { machine } = kernel;
  const head = kernel.symbol('slab_caches', 16);
  const cache = kernel.room(224);
  const name = kernel.room(64);
  const node = kernel.room(64);
  const initTask = kernel.symbol('init_task', 4096);
  machine.put64(initTask, initTask);
  machine.put64(kernel.symbol('__per_cpu_offset', 64), DIRECT_MAP + 0xc00000n);
  machine.put64(DIRECT_MAP + 0xc01000n, 0n);
  machine.putText(name, 'kmem_cache');
  machine.put64(head, cache + 104n);
  machine.put64(cache, 0x1000n);
  const fields: [number, number][] = [
    [24, 256],
    [28, 224],
    [40, 112],
    [52, 16],
    [56, 16],
  ];
  for (const [at, value] of fields) machine.put32(cache + BigInt(at), value);
  machine.put64(cache + 96n, name);
  machine.put64(cache + 104n, head);
  machine.put64(cache + 216n, node);
  const page = VMEMMAP + 0x800n * 64n;
  machine.put64(DIRECT_MAP + 0x800000n, 0n);
  machine.put64(page, 1n << 9n);
  machine.put64(page + 24n, cache);
  machine.put64(page + 40n, BigInt(15 | (16 << 16)));
  machine.put64(page + 32n, DIRECT_MAP + 0x800000n);
  machine.put64(page + 8n, node + 16n);
  machine.put64(node + 16n, page + 8n);
  machine.put64(node + 8n, 1n);
  return kernel;
}

const KERNEL = smallKernel();
KERNEL.machine.poke(0x900000, Buffer.from(KERNEL.vmcoreinfo));
const SYMBOLS = new SymbolTable(Buffer.from(KERNEL.kallsyms));
const PAGES: ReadonlyMap<number, Buffer> = KERNEL.machine.pages;

const FORMS: Readonly<Record<string, Buffer>> = {
  'ELF core': KERNEL.elf(),
  'kdump-compressed': kdump(PAGES, { vmcoreinfo: KERNEL.vmcoreinfo }),
  'kdump, not packed': kdump(PAGES, {
    notes: note('VMCOREINFO', 0, Buffer.from(KERNEL.vmcoreinfo)),
    pack: (page) => ({ flags: 0, bytes: page }),
  }),
  flattened: flattened([{ offset: 0, bytes: kdump(PAGES, { vmcoreinfo: KERNEL.vmcoreinfo }) }]),
  LiME: lime(KERNEL.machine.segments().map((s) => ({ start: s.paddr, bytes: s.bytes }))),
};

const PATH = tempFile(Buffer.alloc(1));

/** Everything that can be done with an image; how far it came. */
async function useAll(bytes: Buffer): Promise<'unreadable' | 'no slabs' | number> {
  rmSync(PATH, { force: true }); // where a file is cut to be written anew, file systems wait for the disk
  writeFileSync(PATH, bytes);
  let snapshot: Awaited<ReturnType<typeof openSnapshot>> | undefined;
  try {
    snapshot = await openSnapshot(PATH);
    const kernel = await openKernel(snapshot, {
      kallsyms: SYMBOLS,
      release: undefined,
      btfPath: undefined,
      structOffsets: undefined,
    });
    let mapped = 0;
    for (const run of kernel.space.kernelRuns()) mapped += run.length;
    expect(mapped).toBeLessThan(2 ** 40);
    readTasks(kernel);
    if (kernel.vmcoreinfo !== undefined) readImageSymbols(kernel.reader, kernel.vmcoreinfo);
    const slub = openSlub(kernel);
    if ('reason' in slub) return 'no slabs';
    return countOccupancy(slub).reduce((sum, c) => sum + c.objects, 0);
  } catch (error) {
    expect(error).toBeInstanceOf(ToolError);
    return 'unreadable';
  } finally {
    snapshot?.close();
  }
}

test.each(Object.entries(FORMS))('whole, the slab is found: %s', async (_, bytes) => {
  expect(await useAll(bytes)).toBe(16);
});

test.each(Object.entries(FORMS))(
  'cut off anywhere: %s',
  async (_, bytes) => {
    const law = async (at: number): Promise<void> => void (await useAll(bytes.subarray(0, at)));
    const places = fc.oneof(fc.nat(bytes.length), fc.nat(3 * PAGE));
    await fc.assert(fc.asyncProperty(places, law), { seed: SEED, numRuns: RUNS });
  },
  600_000,
);

test.each(Object.entries(FORMS))(
  'damaged anywhere: %s',
  async (_, bytes) => {
    // Whole words, for they are what leads astray: small, large, one that occurs elsewhere.
    const value = fc.oneof(
      fc.constantFrom(0n, 1n, 0xffffffffn, 0x7fffffffffffffffn, 0xffffffffffffffffn),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.nat(bytes.length - 8).map((at) => bytes.readBigUInt64LE(at & ~7)),
    );
    const used = [...bytes.keys()].filter((at) => at % 4 === 0 && bytes[at] !== 0);
    const place = fc.oneof(fc.nat(2 * PAGE), fc.constantFrom(...used));
    const damage = fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 6 });
    const law = async (changes: [number, bigint][]): Promise<void> => {
      const copy = Buffer.from(bytes);
      for (const [at, word] of changes) if (at + 8 <= copy.length) copy.writeBigUInt64LE(word, at);
      await useAll(copy);
    };
    await fc.assert(fc.asyncProperty(damage, law), { seed: SEED, numRuns: RUNS * 2 });
  },
  600_000,
);

test('any bytes under any signature', async () => {
  const signatures = ['', '\x7fELF\x02\x01\x01', 'KDUMP   ', 'makedumpfile\0', 'EMiL\x01\0\0\0'];
  const law = async (signature: string, rest: Uint8Array): Promise<void> => {
    await useAll(Buffer.concat([Buffer.from(signature, 'latin1'), rest]));
  };
  const bytes = fc.uint8Array({ maxLength: 9000, size: 'max' });
  const property = fc.asyncProperty(fc.constantFrom(...signatures), bytes, law);
  await fc.assert(property, { seed: SEED, numRuns: RUNS });
});

test('text that is almost words', async () => {
  const piece = fc.constantFrom(
    'ffff888003a40000:',
    '0xffffffffffffffff:',
    ' ',
    '   ',
    '\t',
    '\n',
    '0000000000000001',
    '0x00000001',
    'linux_banner+4',
    '........@.......',
    'ffff888003a4000',
  );
  const law = async (pieces: string[]): Promise<void> => {
    await useAll(Buffer.from(`ffff888003a40000:  0000000000000001\n${pieces.join('')}`));
  };
  await fc.assert(fc.asyncProperty(fc.array(piece), law), { seed: SEED, numRuns: RUNS });
});

test('any BTF, any pahole text', () => {
  const head = Buffer.from('9feb010018000000', 'hex');
  const law = (bytes: Uint8Array): void => {
    try {
      const layout = new BtfLayout(Buffer.concat([head, bytes]), 'x');
      layout.field('a', 'b.c');
    } catch (error) {
      expect(error).toBeInstanceOf(TraceFormatError);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), law), { seed: SEED, numRuns: 2000 });
  const line = fc.constantFrom(
    'struct a {',
    '\tint b; /* 0 4 */',
    '\t} c; /* 0 4 */',
    '};',
    '{',
    '',
  );
  const text = (lines: string[]): void => {
    new PaholeLayout(lines.join('\n')).field('a', 'c.b');
  };
  fc.assert(fc.property(fc.array(line), text), { seed: SEED });
});
