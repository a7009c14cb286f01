// Slabs of a cache with slub_debug=FZPU, written byte for byte as SLUB fills them.

import type { CheckedCache } from '../../src/kernel/checks/checked-slab.ts';
import { initObject, setupSlab } from '../../src/kernel/checks/object-memory.ts';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';
import { checkedCache, FZPU } from './checked-slabs.ts';
import { bswap64, type CacheShape, pageAt, RANDOM, Slub61, structPage } from './slub-writer.ts';

/** kmem_cache.flags of 6.1: FZPU and, here unused, SLAB_KMALLOC. */
const KERNEL_FZPU = 0x10d00;

/**
 * object_size 72 with FZPU (6.1): a left red zone of 8 bytes, the object, 8 bytes of right red zone,
 * the free pointer, two tracks of 32 bytes, 8 bytes of padding: 168. Order 1 has 48 of them and a tail
 * of 128 bytes.
 */
const POOR: CacheShape = {
  name: 'poor',
  size: 168,
  objectSize: 72,
  inuse: 80,
  offset: 80,
  redLeftPad: 8,
  order: 1,
  objects: 48,
  flags: KERNEL_FZPU,
};

export const SLAB_BYTES = 8192;
/** Where poorMachine() has its slab. */
export const FRAME = 0x800;
export const BASE: bigint = pageAt(FRAME);
/** Its freelist. */
export const FREE: readonly number[] = [7, 3, 40];

/** The cache of POOR, as the checks take it. */
export const CHECKED: CheckedCache = checkedCache({
  name: POOR.name,
  release: '6.1',
  objectSize: POOR.objectSize,
  align: 8,
  flags: FZPU & ~SLAB.KMALLOC,
});

/** Where an object of POOR begins in its slab. */
export function offsetOf(object: number): number {
  return 8 + object * 168;
}

/**
 * The bytes of a slab of POOR.
 * @param free the free objects, in the order of the freelist
 * @param base where the slab lies: hardened free pointers are mixed with their place
 */
export function poorSlab(free: readonly number[], base: bigint): Buffer {
  const bytes = Buffer.alloc(SLAB_BYTES);
  setupSlab(CHECKED, bytes);
  for (let object = 0; object < POOR.objects; object++) {
    initObject(CHECKED, bytes, offsetOf(object), !free.includes(object));
    // Nobody was recorded: addr 0.
    bytes.fill(0, offsetOf(object) + 88, offsetOf(object) + 152);
    putNext(bytes, base, object, undefined);
  }
  for (const [i, object] of free.entries()) putNext(bytes, base, object, free[i + 1]);
  return bytes;
}

/** What struct slab says of it, where it is not what it should. */
export interface SlabHeader {
  readonly inuse?: number;
  readonly objects?: number;
  readonly frozen?: boolean;
  readonly freelist?: bigint;
}

/** A machine with one slab of POOR, its objects FREE on the freelist. */
export function poorMachine(damage: (bytes: Buffer) => void, header: SlabHeader = {}): Slub61 {
  const slub = new Slub61();
  const { at, node } = slub.cache(POOR);
  slub.slab(at, POOR, FRAME, FREE);
  const bytes = poorSlab(FREE, BASE);
  damage(bytes);
  slub.kernel.machine.poke(FRAME * 4096, bytes);
  const { inuse = 45, objects = 48, frozen = false, freelist } = header;
  const counters = BigInt(inuse | (objects << 16)) | (frozen ? 1n << 31n : 0n);
  slub.put64(structPage(FRAME) + 40n, counters);
  if (freelist !== undefined) slub.put64(structPage(FRAME) + 32n, freelist);
  slub.partial(node, [FRAME]);
  slub.put64(node + 32n, 1n);
  slub.kernel.variable('jiffies_64', 5000n);
  slub.kernel.variable('tainted_mask', 0n);
  slub.finish();
  return slub;
}

/** set_freepointer() with CONFIG_SLAB_FREELIST_HARDENED. */
export function putNext(
  bytes: Buffer,
  base: bigint,
  object: number,
  next: number | undefined,
): void {
  const at = offsetOf(object) + POOR.offset;
  const pointer = next === undefined ? 0n : base + BigInt(offsetOf(next));
  bytes.writeBigUInt64LE(pointer ^ RANDOM ^ bswap64(base + BigInt(at)), at);
}

/** Bytes as crash's `rd` prints them; `without` leaves out the lines of some addresses. */
export function printedWords(
  bytes: Buffer,
  base: bigint,
  without: (offset: number) => boolean = () => false,
): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    if (without(at)) continue;
    const word = (offset: number): string =>
      bytes.readBigUInt64LE(offset).toString(16).padStart(16, '0');
    text += `${(base + BigInt(at)).toString(16)}:  ${word(at)} ${word(at + 8)}   ................\n`;
  }
  return text;
}
