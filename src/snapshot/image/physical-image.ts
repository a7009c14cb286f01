// What every form of a memory image is once it is open: physical addresses that are there or not.
// Addresses are plain numbers (below 2^52, exact). What is not there is missing, never zero.

import type { CpuRegisters } from './registers.ts';

/** The bytes of an image's file, in any order. */
export interface ImageBytes {
  readonly path: string;
  readonly size: number;
  /** Reads into `target` from `position`; the number of bytes, fewer only at the end. */
  read(position: number, target: Uint8Array): number;
  /** The bytes [position, position + length), fewer only at the end. The caller bounds `length`. */
  slice(position: number, length: number): Buffer;
}

/** What the image says about the machine beside its memory. */
export interface ImageNotes {
  /** The text of the VMCOREINFO note, where there is one. */
  readonly vmcoreinfo: string | undefined;
  /** Registers of each CPU, in the order of the notes. */
  readonly registers: readonly CpuRegisters[];
}

export interface PhysicalImage {
  /** Bytes that are there from `paddr` on without a gap (perhaps fewer than in all); 0: missing. */
  presentFrom(paddr: number): number;
  /** The first address at or after `paddr` that is there, or -1. */
  nextPresent(paddr: number): number;
  /** Reads from `paddr`; the number of bytes up to the first one that is missing. */
  read(paddr: number, target: Uint8Array): number;
}

/** An opened image with what is beside the memory in it. */
export interface OpenedImage {
  readonly image: PhysicalImage;
  readonly notes: ImageNotes;
}

export const NO_NOTES: ImageNotes = { vmcoreinfo: undefined, registers: [] };

/** Physical addresses end here on every x86-64. */
export const PHYSICAL_END: number = 2 ** 52;
