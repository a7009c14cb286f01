// kdump-compressed files (makedumpfile, QEMU) → physical memory, page by page: the n-th set bit of
// the bitmap has the n-th page descriptor {s64 offset, u32 size, u32 flags, u64 page_flags}, 24
// bytes. Pages that filtering left out have no bit: missing. Only the bitmap is held in memory.

import { PAGE_SIZE, readU64 } from '../../base/address.ts';
import type { Findings } from '../findings.ts';
import { MAX_NOTES_BYTES, parseNotes, textOf } from './elf-notes.ts';
import type { ImageFormat } from './image-format.ts';
import { detectKdump, type FilePart, type KdumpHeader, readKdumpHeader } from './kdump-header.ts';
import { PageBitmap } from './page-bitmap.ts';
import { unpackPage } from './page-codecs.ts';
import type { ImageBytes, ImageNotes, PhysicalImage } from './physical-image.ts';
import { ReadWindow } from './read-window.ts';

const DESCRIPTOR_BYTES = 24;
const MAX_VMCOREINFO_BYTES = 1024 * 1024;

export const kdumpFormat: ImageFormat = {
  name: 'kdump-compressed',
  detect: detectKdump,
  open(bytes, { findings }) {
    const header = readKdumpHeader(bytes);
    return {
      image: new KdumpImage(bytes, header, findings),
      notes: readNotes(bytes, header, findings),
    };
  },
};

function readNotes(bytes: ImageBytes, header: KdumpHeader, findings: Findings): ImageNotes {
  const notes = slice(bytes, header.notes, MAX_NOTES_BYTES);
  const parsed = parseNotes(notes, `the notes of ${bytes.path}`, findings);
  const own = textOf(slice(bytes, header.vmcoreinfo, MAX_VMCOREINFO_BYTES));
  return {
    vmcoreinfo: own === '' ? parsed.vmcoreinfo : own,
    registers: parsed.registers,
  };
}

function slice(bytes: ImageBytes, part: FilePart, most: number): Buffer {
  if (part.offset <= 0 || part.offset >= bytes.size) return Buffer.alloc(0);
  return bytes.slice(part.offset, Math.min(part.size, most));
}

class KdumpImage implements PhysicalImage {
  private readonly bitmap: PageBitmap;
  private readonly descriptorsAt: number;
  private readonly findings: Findings;
  private readonly size: number;
  private readonly descriptors: ReadWindow;
  private readonly data: ReadWindow;
  private readonly page: Uint8Array = new Uint8Array(PAGE_SIZE);
  /** What is in `page`, by its file offset. */
  private pageOffset = -1;
  /** The offset of the page before: pages of zeros all have the same one. */
  private lastOffset = -1;

  constructor(bytes: ImageBytes, header: KdumpHeader, findings: Findings) {
    const bitmap = bytes.slice(header.bitmapAt, header.bitmapBytes);
    this.bitmap = new PageBitmap(bitmap, header.pages);
    this.descriptorsAt = header.descriptorsAt;
    this.findings = findings;
    this.size = bytes.size;
    this.descriptors = new ReadWindow(bytes);
    this.data = new ReadWindow(bytes);
    const end = this.descriptorsAt + this.bitmap.count * DESCRIPTOR_BYTES;
    if (end > bytes.size) findings.add('truncated', `the page descriptors`, end - bytes.size);
    if (header.incomplete) findings.add('truncated', 'makedumpfile marked the dump as incomplete');
  }

  presentFrom(paddr: number): number {
    const page = Math.floor(paddr / PAGE_SIZE);
    if (!this.bitmap.has(page)) return 0;
    return this.bitmap.next(page, false) * PAGE_SIZE - paddr;
  }

  nextPresent(paddr: number): number {
    const page = Math.floor(paddr / PAGE_SIZE);
    if (this.bitmap.has(page)) return paddr;
    const next = this.bitmap.next(page, true);
    return next >= this.bitmap.pages ? -1 : next * PAGE_SIZE;
  }

  read(paddr: number, target: Uint8Array): number {
    let page = Math.floor(paddr / PAGE_SIZE);
    let within = paddr - page * PAGE_SIZE;
    let done = 0;
    let rank = this.bitmap.rank(Math.min(page, this.bitmap.pages));
    while (done < target.length && this.bitmap.has(page)) {
      const n = Math.min(PAGE_SIZE - within, target.length - done);
      if (n === PAGE_SIZE) {
        if (!this.unpack(rank, target.subarray(done, done + n))) break;
      } else {
        if (!this.unpack(rank, this.page)) break;
        target.set(this.page.subarray(within, within + n), done);
      }
      done += n;
      within = 0;
      page++;
      rank++;
    }
    return done;
  }

  /** Unpacks the page of the rank-th descriptor; false where the file does not have it whole. */
  private unpack(rank: number, into: Uint8Array): boolean {
    const at = this.descriptorsAt + rank * DESCRIPTOR_BYTES;
    const descriptor = this.descriptors.get(at, DESCRIPTOR_BYTES);
    if (descriptor === undefined) return false;
    const offset = readU64(descriptor, 0);
    const size = descriptor.readUInt32LE(8);
    const flags = descriptor.readUInt32LE(12);
    if (into === this.page && offset === this.pageOffset) return true;
    if (into !== this.page && offset === this.lastOffset) {
      if (!this.unpack(rank, this.page)) return false;
      into.set(this.page);
      return true;
    }
    this.lastOffset = offset;
    if (offset === 0 || offset + size > this.size) {
      this.findings.add('truncated', () => `page descriptor ${rank}`, PAGE_SIZE);
      return false;
    }
    const packed = size <= 2 * PAGE_SIZE ? this.data.get(offset, size) : undefined;
    const good = packed !== undefined && unpackPage(flags, packed, into);
    if (into === this.page) this.pageOffset = good ? offset : -1;
    if (!good) this.findings.add('damaged_page', () => `page descriptor ${rank}`);
    return good;
  }
}
