// Virtual memory as everything above the image's form sees it: an image with page tables, or words
// that a debugger printed. Addresses are two unsigned 32-bit halves.

/** A stretch of virtual memory that is there, contiguous in the image too. */
export interface MappedRun {
  readonly hi: number;
  readonly lo: number;
  readonly length: number;
  /** Where it is in physical memory, -1 where that is not known (printed words). */
  readonly paddr: number;
}

export interface AddressSpace {
  /** Fills `target` from an address; false where any of it is missing (`target` is then spoilt). */
  read(hi: number, lo: number, target: Uint8Array): boolean;
  /** The physical address, or -1 where nothing is mapped or it is not known. */
  translate(hi: number, lo: number): number;
  /**
   * What is there of `length` bytes from an address, in order, in pieces as large as they come.
   * Each piece can be read with `readRun`.
   */
  runs(hi: number, lo: number, length: number): Iterable<MappedRun>;
  /** Fills `target` from `offset` bytes into a run; false where the image does not have it. */
  readRun(run: MappedRun, offset: number, target: Uint8Array): boolean;
  /** Everything of the kernel's half that is mapped and there, each piece once. */
  kernelRuns(): Iterable<MappedRun>;
}

/** The kernel's half: from here to the end of the addresses (57-bit ones included). */
export const KERNEL_HALF_HI = 0xff000000;
