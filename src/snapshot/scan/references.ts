// What a scan finds: how often roots refer to each object, and who refers to whom. The words of an
// object that turns out to be unreferenced count for nothing, so references between objects are kept
// until it is known which are reached (scan_gray_list() of mm/kmemleak.c scans only those).

import { ensureLength } from '../../base/growable.ts';

const SATURATED = 255;
const PAGE = 4096;

/** Plain data, as a thread gives it back. */
export interface FoundReferences {
  /** By object: references from roots, up to 255. */
  readonly fromRoots: Uint8Array;
  /** Pairs: the object that refers, the one referred to. */
  readonly edges: Uint32Array;
  readonly edgeCount: number;
  /** Bytes read, by root class; last those of objects. */
  readonly bytes: Float64Array;
  /** Bytes that the image does not hold; of ranges below a page, which are hardly ever all zero. */
  readonly missing: number;
  readonly missingInSmall: number;
}

export class References {
  private readonly fromRoots: Uint8Array;
  private edges: Uint32Array = new Uint32Array(4096);
  private edgeCount = 0;
  private readonly bytes: Float64Array;
  private missing = 0;
  private missingInSmall = 0;

  constructor(objects: number, rootClasses: number) {
    this.fromRoots = new Uint8Array(objects);
    this.bytes = new Float64Array(rootClasses + 1);
  }

  /** @param source as in a plan: an object (what it says of itself does not count), or below 0 a root */
  add(source: number, target: number): void {
    if (source === target) return;
    if (source < 0) {
      if (this.fromRoots[target]! < SATURATED) this.fromRoots[target]!++;
      return;
    }
    const at = this.edgeCount * 2;
    if (at + 2 > this.edges.length) this.edges = ensureLength(this.edges, at + 2);
    this.edges[at] = source;
    this.edges[at + 1] = target;
    this.edgeCount++;
  }

  result(): FoundReferences {
    const { fromRoots, edgeCount, bytes, missing, missingInSmall } = this;
    const edges = this.edges.slice(0, edgeCount * 2);
    return { fromRoots, edges, edgeCount, bytes, missing, missingInSmall };
  }

  addBytes(source: number, bytes: number, missing: number): void {
    const root = source < 0 ? -1 - source : this.bytes.length - 1;
    this.bytes[root]! += bytes;
    this.missing += missing;
    if (bytes + missing < PAGE) this.missingInSmall += missing;
  }
}
