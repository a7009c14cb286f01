// Slabs of debug caches for the tests of SLUB's checks: all objects free and linked in their order.

import {
  type CheckedCache,
  type CheckedSlab,
  objectOffset,
} from '../../src/kernel/checks/checked-slab.ts';
import { initObject, setOrigSize, setupSlab } from '../../src/kernel/checks/object-memory.ts';
import { calculateSizes } from '../../src/kernel/slub/calculate-sizes.ts';
import { rulesFor } from '../../src/kernel/slub/releases.ts';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';

export interface TestCache {
  readonly name: string;
  readonly release: string;
  readonly objectSize: number;
  readonly align: number;
  /** SLAB bits. */
  readonly flags: number;
  readonly hasCtor?: boolean;
}

export const FZPU: number = SLAB.CONSISTENCY_CHECKS | SLAB.RED_ZONE | SLAB.POISON | SLAB.STORE_USER;

export function checkedCache(cache: TestCache): CheckedCache {
  const { name, release, objectSize, flags } = cache;
  const rules = rulesFor(release);
  const layout = calculateSizes({ ...cache, hasCtor: cache.hasCtor ?? false }, rules);
  return { name, geometry: { objectSize, flags, layout }, rules, contentsKnown: true };
}

/** A slab whose free pointers are kept beside its bytes. */
export class TestSlab implements CheckedSlab {
  readonly base: bigint;
  readonly bytes: Uint8Array;
  objects: number;
  inuse = 0;
  freelist: bigint | undefined;
  frozen = false;
  readonly pointers = new Map<number, bigint | undefined>();
  private readonly cache: CheckedCache;

  constructor(cache: CheckedCache, base: bigint, size: number) {
    this.cache = cache;
    this.base = base;
    this.bytes = new Uint8Array(size);
    this.objects = Math.floor(size / cache.geometry.layout.size);
    setupSlab(cache, this.bytes);
    for (let i = 0; i < this.objects; i++) {
      initObject(cache, this.bytes, this.offset(i), false);
      this.pointers.set(this.offset(i), i + 1 < this.objects ? this.address(i + 1) : 0n);
    }
    this.freelist = this.address(0);
  }

  offset(object: number): number {
    return objectOffset(this.cache, object);
  }

  address(object: number): bigint {
    return this.base + BigInt(this.offset(object));
  }

  /** Takes the first free object. */
  alloc(size: number): number {
    const offset = Number((this.freelist ?? 0n) - this.base);
    this.freelist = this.freePointer(offset);
    this.inuse++;
    setOrigSize(this.cache, this.bytes, offset, size);
    initObject(this.cache, this.bytes, offset, true);
    return offset;
  }

  freePointer(offset: number): bigint | undefined {
    return this.pointers.get(offset);
  }

  setFreePointer(offset: number, value: bigint): void {
    this.pointers.set(offset, value);
  }
}
