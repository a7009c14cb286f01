// Virtual memory → values of C types at an address. For walking kernel structures, one at a time;
// what is read in bulk (scans, freelists) goes to the address space itself.

import { hiOf, joinHalves, loOf } from '../../base/address.ts';
import type { AddressSpace } from '../memory/address-space.ts';

/** An address whose memory is not in the image. */
export class MissingMemory extends Error {
  readonly address: bigint;

  constructor(address: bigint) {
    super(`0x${address.toString(16)} is not in the image`);
    this.address = address;
  }
}

export class KernelReader {
  readonly space: AddressSpace;
  private readonly buffer: Buffer = Buffer.alloc(8);

  constructor(space: AddressSpace) {
    this.space = space;
  }

  /** @throws MissingMemory, as the others do */
  u64(address: bigint): bigint {
    this.fill(address, this.buffer);
    return joinHalves(this.buffer.readUInt32LE(4), this.buffer.readUInt32LE(0));
  }

  u32(address: bigint): number {
    const four = this.buffer.subarray(0, 4);
    this.fill(address, four);
    return four.readUInt32LE(0);
  }

  i32(address: bigint): number {
    return this.u32(address) | 0;
  }

  /** `count` 64-bit words, low halves first. */
  words(address: bigint, count: number): Uint32Array {
    const words = new Uint32Array(count * 2);
    this.fill(address, new Uint8Array(words.buffer));
    return words;
  }

  bytes(address: bigint, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.fill(address, bytes);
    return bytes;
  }

  /** A string up to its NUL, at most `max` bytes of it. */
  cString(address: bigint, max = 256): string {
    let text = '';
    for (let done = 0; done < max; ) {
      // Up to the end of the page: what follows may not be mapped.
      const n = Math.min(max - done, 64, 4096 - Number((address + BigInt(done)) & 4095n));
      const bytes = this.bytes(address + BigInt(done), n);
      const end = bytes.indexOf(0);
      if (end >= 0) return text + bytes.toString('latin1', 0, end);
      text += bytes.toString('latin1');
      done += n;
    }
    return text;
  }

  private fill(address: bigint, target: Uint8Array): void {
    if (!this.space.read(hiOf(address), loOf(address), target)) throw new MissingMemory(address);
  }
}
