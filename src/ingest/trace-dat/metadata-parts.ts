// The parts of a trace.dat that describe its events; the same bodies in version 6 (in a row) and 7
// (in sections), and in perf.data's TRACING_DATA.

import { ByteCursor, type ByteSource, memorySource } from '../../base/byte-cursor.ts';
import { type EventFormat, parseEventFormat } from '../events/event-format.ts';
import { type PageShape, parseHeaderPage } from '../ring-buffer/header-page.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { BadPiece, type Compression, MAX_SECTION_BYTES, readPiece } from './compression.ts';

/** One format text; the largest known is below 16 KiB. */
const MAX_FORMAT_TEXT = 1024 * 1024;
/** A kernel has some thousand events. */
const MAX_FORMATS = 1_000_000;

export class MetadataParts {
  /** What is being read, for messages. */
  current = '';
  private readonly formats: EventFormat[] = [];
  private kallsyms: Buffer | undefined;
  private cmdlines = '';
  /** What header_page says of the ring buffer's pages. */
  page: PageShape | undefined;

  result(): { formats: readonly EventFormat[]; kallsyms: Buffer | undefined; cmdlines: string } {
    return { formats: this.formats, kallsyms: this.kallsyms, cmdlines: this.cmdlines };
  }

  /** "header_page\0" u64 size, text; "header_event\0" u64 size, text. */
  readHeaderInfo(at: ByteCursor): void {
    this.current = 'the page header';
    for (const name of ['header_page', 'header_event']) {
      const found = at.cString(32);
      if (found !== name) throw new BadPiece(`"${found}" where ${name} should be`);
      const size = at.size64();
      if (size > MAX_FORMAT_TEXT) throw new BadPiece(`a ${name} of ${size} bytes`);
      const text = at.bytes(size).toString('latin1');
      if (name === 'header_page') this.page = parseHeaderPage(text);
    }
  }

  /** u32 count, each u64 size and text. */
  readFtraceFormats(at: ByteCursor): void {
    this.current = 'the ftrace formats';
    this.readFormats(at);
  }

  /** u32 systems, each its name\0 and its formats. */
  readEventFormats(at: ByteCursor): void {
    this.current = 'the event formats';
    const systems = at.u32();
    if (systems > MAX_FORMATS) throw new BadPiece(`${systems} systems of events`);
    for (let i = 0; i < systems; i++) {
      at.cString(256);
      this.readFormats(at);
    }
  }

  /** u32 size, text. */
  readKallsyms(at: ByteCursor): void {
    this.current = 'kallsyms';
    const text = this.readText(at, at.u32());
    if (text.length > 0) this.kallsyms = text;
  }

  /** u32 size, text. */
  readPrintk(at: ByteCursor): void {
    this.current = 'the printk formats';
    this.readText(at, at.u32());
  }

  /** u64 size, text. */
  readCmdlines(at: ByteCursor): void {
    this.current = 'the task names';
    this.cmdlines = this.readText(at, at.size64()).toString('utf8');
  }

  /** The body of a v7 section: u16 id, u16 flags, u32 description, u64 size, then the body. */
  openSection(
    source: ByteSource,
    offset: number,
    id: number,
    layout: ByteLayout,
    compression: Compression,
  ): ByteCursor {
    const at = new ByteCursor(source, offset, layout.littleEndian);
    const found = at.u16();
    const packed = (at.u16() & 1) !== 0;
    at.u32();
    at.size64();
    if (found !== id) throw new BadPiece(`section ${found} where section ${id} should be`);
    if (!packed) return at;
    return new ByteCursor(memorySource(readPiece(at, compression)), 0, layout.littleEndian);
  }

  private readText(at: ByteCursor, size: number): Buffer {
    if (size > MAX_SECTION_BYTES && size <= at.remaining) {
      throw new BadPiece(`a text of ${size} bytes`);
    }
    return at.bytes(size);
  }

  private readFormats(at: ByteCursor): void {
    const count = at.u32();
    if (count > MAX_FORMATS) throw new BadPiece(`${count} event formats`);
    for (let i = 0; i < count; i++) this.readFormat(at);
  }

  private readFormat(at: ByteCursor): void {
    const size = at.size64();
    if (size > MAX_FORMAT_TEXT) throw new BadPiece(`an event format of ${size} bytes`);
    const format = parseEventFormat(at.bytes(size).toString('latin1'));
    if (format !== undefined) this.formats.push(format);
  }
}
