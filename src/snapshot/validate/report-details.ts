// What SLUB's reports say beyond a slab's bytes, out of the image: who allocated and freed an object
// (struct track, with its stack out of the depot), the line on struct slab, the kernel's taint.

import type { CheckedSlab } from '../../kernel/checks/checked-slab.ts';
import { formatPageFlags } from '../../kernel/checks/page-flags.ts';
import {
  type ObjectTrack,
  pointerText,
  type ReportDetails,
} from '../../kernel/checks/slub-reports.ts';
import { printTainted, TAINT } from '../../kernel/checks/taint.ts';
import type { KernelConfig } from '../../kernel/machine/kernel-config.ts';
import {
  isAtLeast,
  type KernelVersion,
  parseRelease,
} from '../../kernel/machine/kernel-version.ts';
import type { ObjectLayout } from '../../kernel/slub/calculate-sizes.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { StackDepot } from '../kernel/stack-depot.ts';

/** Where the fields of struct track are; `stack` is where return addresses are (before 5.19). */
interface TrackOffsets {
  readonly handle: number | undefined;
  readonly stack: number | undefined;
  readonly cpu: number;
  readonly pid: number;
  readonly when: number;
}

/** By sizeof(struct track): a depot handle; 16 return addresses (5.10); nothing of the stack. */
const TRACKS: Readonly<Record<number, TrackOffsets>> = {
  32: { handle: 8, stack: undefined, cpu: 12, pid: 16, when: 24 },
  152: { handle: undefined, stack: 8, cpu: 136, pid: 140, when: 144 },
  24: { handle: undefined, stack: undefined, cpu: 8, pid: 12, when: 16 },
};
const STACK_ENTRIES = 16;

/** What the line on struct slab takes. */
export interface SlabLineSource {
  /** The address of the struct slab of the slab that reports are about. */
  page(): bigint;
  /** Where the flags are in struct page. */
  readonly pageFlagsAt: number;
  /** The kernel's build configuration: what the flags are made of. */
  readonly config: KernelConfig | undefined;
}

export class SnapshotDetails implements ReportDetails {
  readonly source = 'snapshot';
  private readonly kernel: KernelImage;
  private readonly slabs: SlabLineSource | undefined;
  private readonly version: KernelVersion | undefined;
  private readonly depot: StackDepot;
  private readonly jiffies: bigint | undefined;
  private taintMask: number | undefined;
  private layout: ObjectLayout | undefined;

  /** @param slabs undefined where struct slab is not known */
  constructor(kernel: KernelImage, slabs: SlabLineSource | undefined) {
    this.kernel = kernel;
    this.slabs = slabs;
    this.version = parseRelease(kernel.release ?? null);
    this.depot = new StackDepot(kernel);
    this.jiffies = this.variable('jiffies_64') ?? this.variable('jiffies');
    const mask = this.variable('tainted_mask');
    this.taintMask = mask === undefined ? undefined : Number(mask & 0xffffffffn);
  }

  /** The cache that the copied slab is of. */
  setLayout(layout: ObjectLayout): void {
    this.layout = layout;
  }

  /** As the kernel would print it; its first report taints it. */
  taint(): string | undefined {
    const { taintMask } = this;
    if (taintMask === undefined) return undefined;
    const warns = isAtLeast(this.version, 6, 12);
    this.taintMask = taintMask | TAINT.BAD_PAGE | (warns ? TAINT.WARN : 0);
    return printTainted(taintMask, this.version);
  }

  track(slab: CheckedSlab, offset: number, which: 'alloc' | 'free'): ObjectTrack | undefined {
    const { layout } = this;
    if (layout?.allocTrack === null || layout?.allocTrack === undefined) return undefined;
    const at = offset + ((which === 'alloc' ? layout.allocTrack : layout.freeTrack) ?? 0);
    const size = (layout.freeTrack ?? 0) - layout.allocTrack;
    const fields = TRACKS[size];
    if (fields === undefined || at + size > slab.bytes.length) return undefined;
    const { buffer, byteOffset } = slab.bytes;
    const view = new DataView(buffer, byteOffset + at, size);
    const address = view.getBigUint64(0, true);
    if (address === 0n) return undefined;
    const when = view.getBigUint64(fields.when, true);
    const frames = this.stackOf(view, fields);
    return {
      site: this.kernel.symbols.describe(address),
      age: this.jiffies === undefined ? null : Number(BigInt.asUintN(64, this.jiffies - when)),
      cpu: view.getUint32(fields.cpu, true),
      pid: view.getInt32(fields.pid, true),
      stack: frames?.map((frame) => this.kernel.symbols.describe(frame)) ?? null,
    };
  }

  slabLine(slab: CheckedSlab): string | undefined {
    if (this.slabs === undefined) return undefined;
    const { pageFlagsAt, config } = this.slabs;
    const page = this.slabs.page();
    const { objects, inuse, freelist } = slab;
    const flags = this.read(page + BigInt(pageFlagsAt));
    const old = !isAtLeast(this.version, 5, 12);
    const parts = [
      `${old ? 'INFO: ' : ''}Slab ${pointerText(page)}`,
      `objects=${objects}`,
      `used=${inuse}`,
      `fp=${pointerText(freelist ?? 0n)}`,
    ];
    if (flags !== undefined && old) parts.push(`flags=0x${flags.toString(16).padStart(4, '0')}`);
    else if (flags !== undefined) {
      parts.push(`flags=${formatPageFlags(flags, this.version, config)}`);
    }
    return parts.join(' ');
  }

  private stackOf(view: DataView, fields: TrackOffsets): readonly bigint[] | undefined {
    if (fields.handle !== undefined) return this.depot.stack(view.getUint32(fields.handle, true));
    if (fields.stack === undefined) return undefined;
    const frames: bigint[] = [];
    for (let i = 0; i < STACK_ENTRIES; i++) {
      const frame = view.getBigUint64(fields.stack + i * 8, true);
      if (frame === 0n) break;
      frames.push(frame);
    }
    return frames;
  }

  private variable(name: string): bigint | undefined {
    const address = this.kernel.symbols.addressOf(name);
    return address === undefined ? undefined : this.read(address);
  }

  private read(address: bigint): bigint | undefined {
    try {
      return this.kernel.reader.u64(address);
    } catch (error) {
      if (error instanceof MissingMemory) return undefined;
      throw error;
    }
  }
}
