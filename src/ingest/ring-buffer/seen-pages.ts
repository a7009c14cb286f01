// The pages of a CPU that were read, to know one that comes again: what is left in a buffer from an
// earlier round, or a file that was put together twice. It has the time and the bytes of the first.

import { ensureLength } from '../../base/growable.ts';
import type { ByteLayout } from './page.ts';

/** Pages that are remembered: 256 MiB of a CPU's events. */
const MOST_PAGES = 65_536;
/** Bytes of a page that its digest covers: the length of its data and its first records. */
const DIGEST_FROM = 8;
const DIGEST_TO = 96;

/** A number that two pages share only by chance. */
export function pageDigest(view: DataView, at: number, { littleEndian }: ByteLayout): number {
  let digest = 0x811c9dc5;
  const end = Math.min(at + DIGEST_TO, view.byteLength - 3);
  for (let pos = at + DIGEST_FROM; pos < end; pos += 4) {
    digest = Math.imul(digest ^ view.getUint32(pos, littleEndian), 0x01000193);
  }
  return digest;
}

export class SeenPages {
  private firstTimes: Float64Array = new Float64Array(64);
  private digests: Int32Array = new Int32Array(64);
  private count = 0;

  /** @param firstTime of the page's first record */
  add(firstTime: number, digest: number): void {
    const at = this.count++ % MOST_PAGES;
    this.firstTimes = ensureLength(this.firstTimes, at + 1);
    this.digests = ensureLength(this.digests, at + 1);
    this.firstTimes[at] = firstTime;
    this.digests[at] = digest;
  }

  /** True where such a page was added, and not too many since. */
  has(firstTime: number, digest: number): boolean {
    const length = Math.min(this.count, MOST_PAGES);
    let at = this.firstTimes.indexOf(firstTime);
    while (at >= 0 && at < length && this.digests[at] !== digest) {
      at = this.firstTimes.indexOf(firstTime, at + 1);
    }
    return at >= 0 && at < length;
  }
}
