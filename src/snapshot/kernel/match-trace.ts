// A snapshot and what the trace knows → are they of the same boot? Three kinds of evidence: the
// release, the place of the kernel (KASLR moves it at every boot), and the trace's live objects, which
// must be on slots of caches of their size. Each says what it saw; one that contradicts is enough.

import { SlabIndex } from '../slub-walk/slab-index.ts';
import type { SlubImage } from '../slub-walk/walk-slabs.ts';
import type { KernelImage } from './kernel-image.ts';
import { MissingMemory } from './kernel-reader.ts';

/** Objects that the trace holds live at its end, as columns. */
interface LiveSample {
  readonly count: number;
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
  /** bytes_alloc. */
  readonly bytesAlloc: Uint32Array;
}

export interface TraceEvidence {
  /** The kernel's release by the trace or its uname.txt. */
  readonly release: string | undefined;
  /** version.txt: `Linux version 6.1.0-56-amd64 (…) #1 SMP …`. */
  readonly version: string | undefined;
  readonly live: LiveSample | undefined;
}

interface EvidenceItem {
  readonly kind: 'release' | 'version' | 'addresses' | 'objects';
  readonly verdict: 'match' | 'mismatch';
  /** What was seen, one sentence without its full stop. */
  readonly text: string;
}

export interface SnapshotMatch {
  /** `unknown` where nothing could be compared. */
  readonly verdict: 'match' | 'mismatch' | 'unknown';
  readonly evidence: readonly EvidenceItem[];
}

/** Pages and slack that kmalloc gives whole: they are on no slab. */
const LARGEST_SLAB_OBJECT = 8192;
/** Live objects looked at; spread over all of them. */
const SAMPLE = 50_000;
/**
 * Measured: 99.2 to 99.8 % in a snapshot taken at the trace's end, 7 % in one of another boot without
 * KASLR. Between them is a snapshot taken some time after the trace.
 */
const MIN_SHARE = 0.5;
/** Fewer objects than this prove nothing. */
const MIN_OBJECTS = 50;

/** @param slub undefined where slabs cannot be walked: the objects are no evidence then */
export function matchTrace(
  kernel: KernelImage,
  slub: SlubImage | undefined,
  trace: TraceEvidence,
): SnapshotMatch {
  const evidence = [
    compareRelease(kernel, trace.release),
    compareVersion(kernel, trace.version),
    compareAddresses(kernel),
    slub === undefined ? undefined : compareObjects(slub, trace.live),
  ].filter((item) => item !== undefined);
  const contradicts = evidence.some((item) => item.verdict === 'mismatch');
  const verdict = contradicts ? 'mismatch' : evidence.length === 0 ? 'unknown' : 'match';
  return { verdict, evidence };
}

function compareRelease(
  { vmcoreinfo }: KernelImage,
  release: string | undefined,
): EvidenceItem | undefined {
  const own = vmcoreinfo?.release;
  if (own === undefined || release === undefined) return undefined;
  const text = `the snapshot is of kernel ${own}, the trace of ${release}`;
  return { kind: 'release', verdict: own === release ? 'match' : 'mismatch', text };
}

/** The banner has compiler, build number and date: another build of a release differs in it. */
function compareVersion(
  { reader, symbols }: KernelImage,
  version: string | undefined,
): EvidenceItem | undefined {
  const address = symbols.addressOf('linux_banner');
  if (address === undefined || version === undefined) return undefined;
  try {
    const banner = reader.cString(address, 512).trim();
    const same = banner === version.trim();
    const words = same ? 'is the same' : `is "${banner}", in version.txt "${version.trim()}"`;
    const verdict = same ? 'match' : 'mismatch';
    return { kind: 'version', verdict, text: `the banner of the snapshot ${words}` };
  } catch (error) {
    if (error instanceof MissingMemory) return undefined;
    throw error;
  }
}

function compareAddresses({ symbols, vmcoreinfo }: KernelImage): EvidenceItem | undefined {
  const stext = vmcoreinfo?.symbol('_stext')?.toString(16);
  switch (symbols.agreement) {
    case 'same':
      return {
        kind: 'addresses',
        verdict: 'match',
        text: `the kernel is at ${stext} in the snapshot and in kallsyms`,
      };
    case 'other-boot':
      return {
        kind: 'addresses',
        verdict: 'mismatch',
        text: `the kernel is at ${stext} in the snapshot, elsewhere in kallsyms: another boot`,
      };
    case 'other-kernel':
      return {
        kind: 'addresses',
        verdict: 'mismatch',
        text: 'the symbols of the snapshot have other distances than in kallsyms: another kernel',
      };
    default:
      return undefined;
  }
}

function compareObjects(slub: SlubImage, live: LiveSample | undefined): EvidenceItem | undefined {
  if (live === undefined) return undefined;
  const index = new SlabIndex(slub);
  const step = Math.max(1, Math.floor(live.count / SAMPLE));
  let checked = 0;
  let fitting = 0;
  for (let i = 0; i < live.count; i += step) {
    const bytes = live.bytesAlloc[i]!;
    if (bytes > LARGEST_SLAB_OBJECT) continue;
    checked++;
    const place = index.find(live.hi[i]!, live.lo[i]!);
    if (place === undefined || place.offset !== 0 || !place.allocated) continue;
    if (bytes === place.cache.size || bytes === place.cache.objectSize) fitting++;
  }
  if (checked < MIN_OBJECTS) return undefined;
  const share = fitting / checked;
  return {
    kind: 'objects',
    verdict: share >= MIN_SHARE ? 'match' : 'mismatch',
    text:
      `${fitting} of ${checked} objects that are live in the trace are allocated objects of ` +
      `their size in the snapshot`,
  };
}
