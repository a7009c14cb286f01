// Whole trace.dat files, versions 6 and 7, from their parts: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5).

import { deflateSync } from 'node:zlib';
import { headerPage, kmemFormats, type Machine, packed, X86_64 } from './builders-ring-buffer.ts';

export interface DatOption {
  readonly id: number;
  readonly data: Buffer;
}

interface DatBuffer {
  readonly name: string;
  readonly clock?: string;
  /** The pages of each CPU. */
  readonly cpus: readonly Buffer[];
}

export interface DatContents {
  readonly machine?: Machine;
  readonly formats?: readonly string[];
  readonly kallsyms?: string;
  readonly cmdlines?: string;
  readonly options?: readonly DatOption[];
  readonly buffers: readonly DatBuffer[];
  /** Of version 7. */
  readonly compression?: 'none' | 'zlib';
}

export interface BuiltDat {
  readonly bytes: Buffer;
  /** Where each part begins, by name. */
  readonly places: ReadonlyMap<string, number>;
}

/** Bytes that are appended, and may be filled in later. */
class Output {
  readonly machine: Machine;
  readonly places = new Map<string, number>();
  private readonly parts: Buffer[] = [];
  length = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  add(...parts: (Buffer | string)[]): void {
    for (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
      this.parts.push(bytes);
      this.length += bytes.length;
    }
  }

  num(bytes: number, value: number | bigint): Buffer {
    return packed(this.machine, [bytes, value]);
  }

  place(name: string): void {
    this.places.set(name, this.length);
  }

  align(): void {
    const { pageSize } = this.machine;
    this.add(Buffer.alloc((pageSize - (this.length % pageSize)) % pageSize));
  }

  fill(at: number, bytes: Buffer): void {
    const all = Buffer.concat(this.parts);
    bytes.copy(all, at);
    this.parts.splice(0, this.parts.length, all);
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

function start(out: Output, version: string): void {
  const { machine } = out;
  out.add('\x17\x08\x44tracing', `${version}\0`);
  out.add(Buffer.from([machine.littleEndian ? 0 : 1, machine.longSize]));
  out.add(out.num(4, machine.pageSize));
}

/** The bodies of the parts that both versions have, in the order of version 6. */
function bodies(
  out: Output,
  contents: DatContents,
): [name: string, section: number, body: Buffer][] {
  const { machine } = out;
  const sized = (bytes: number, text: string): Buffer =>
    Buffer.concat([out.num(bytes, Buffer.byteLength(text)), Buffer.from(text)]);
  const formats = contents.formats ?? kmemFormats(machine);
  const isFtrace = (text: string): boolean => text.startsWith('name: kernel_stack');
  const ftrace = formats.filter(isFtrace);
  const kmem = formats.filter((text) => !isFtrace(text));
  return [
    [
      'header',
      16,
      Buffer.concat([
        Buffer.from('header_page\0'),
        sized(8, headerPage(machine)),
        Buffer.from('header_event\0'),
        sized(8, 'type_len : 5 bits\n'),
      ]),
    ],
    [
      'ftrace',
      17,
      Buffer.concat([out.num(4, ftrace.length), ...ftrace.map((text) => sized(8, text))]),
    ],
    [
      'events',
      18,
      Buffer.concat([
        out.num(4, 1),
        Buffer.from('kmem\0'),
        out.num(4, kmem.length),
        ...kmem.map((text) => sized(8, text)),
      ]),
    ],
    ['kallsyms', 19, sized(4, contents.kallsyms ?? 'ffffffff81000000 T _stext\n')],
    ['printk', 20, sized(4, '')],
    ['cmdlines', 21, sized(8, contents.cmdlines ?? '1 init\n')],
  ];
}

const CLOCK = (name: string): string => `local [${name}] counter\n`;
const OPTION_TRACECLOCK = 4;
const OPTION_BUFFER = 3;

/** A version 6 file; the first buffer is the top instance. */
export function buildDatV6(contents: DatContents): BuiltDat {
  const out = new Output(contents.machine ?? X86_64);
  start(out, '6');
  for (const [name, , body] of bodies(out, contents)) {
    out.place(name);
    out.add(body);
  }
  const [top, ...instances] = contents.buffers;
  if (top === undefined) return { bytes: out.bytes(), places: out.places };
  out.place('cpus');
  out.add(out.num(4, top.cpus.length));
  out.place('options');
  out.add('options  \0');
  for (const { id, data } of contents.options ?? []) {
    out.add(out.num(2, id), out.num(4, data.length), data);
  }
  const clocked = contents.options?.some((option) => option.id === OPTION_TRACECLOCK) ?? false;
  const holes = instances.map(({ name }) => {
    out.add(out.num(2, OPTION_BUFFER), out.num(4, 8 + name.length + 1));
    const hole = out.length;
    out.add(Buffer.alloc(8), `${name}\0`);
    return hole;
  });
  out.add(out.num(2, 0));
  const table = (buffer: DatBuffer): number => {
    out.add('flyrecord\0');
    const at = out.length;
    out.add(Buffer.alloc(16 * buffer.cpus.length));
    const clock = CLOCK(buffer.clock ?? 'global');
    if (clocked) out.add(out.num(8, clock.length), clock);
    return at;
  };
  out.place('flyrecord');
  const tables = [table(top)];
  for (const [i, instance] of instances.entries()) {
    out.fill(holes[i] ?? 0, out.num(8, out.length));
    tables.push(table(instance));
  }
  for (const [i, buffer] of contents.buffers.entries()) {
    for (const [cpu, pages] of buffer.cpus.entries()) {
      out.align();
      out.place(`data ${buffer.name} ${cpu}`);
      const entry = Buffer.concat([out.num(8, out.length), out.num(8, pages.length)]);
      out.fill((tables[i] ?? 0) + 16 * cpu, entry);
      out.add(pages);
    }
  }
  return { bytes: out.bytes(), places: out.places };
}

const PAGES_IN_A_PIECE = 2;

/** A version 7 file. */
export function buildDatV7(contents: DatContents): BuiltDat {
  const out = new Output(contents.machine ?? X86_64);
  const zlib = contents.compression === 'zlib';
  start(out, '7');
  out.add(zlib ? 'zlib\x001.2.13\0' : 'none\0\0');
  const optionsHole = out.length;
  out.add(Buffer.alloc(8));
  const piece = (bytes: Buffer): Buffer => {
    const small = deflateSync(bytes);
    return Buffer.concat([out.num(4, small.length), out.num(4, bytes.length), small]);
  };
  const section = (name: string, id: number, body: Buffer, isPacked: boolean): number => {
    const at = out.length;
    out.place(name);
    const stored = isPacked ? piece(body) : body;
    out.add(out.num(2, id), out.num(2, isPacked ? 1 : 0), out.num(4, 0), out.num(8, stored.length));
    out.add(stored);
    return at;
  };
  const option = (id: number, data: Buffer): Buffer =>
    Buffer.concat([out.num(2, id), out.num(4, data.length), data]);
  const sections = bodies(out, contents).map(([name, id, body]) =>
    option(id, out.num(8, section(name, id, body, zlib))),
  );
  out.fill(optionsHole, out.num(8, out.length));
  const own = (contents.options ?? []).map(({ id, data }) => option(id, data));
  // The last option is DONE with the place of the next options: behind the data of a buffer.
  const body = Buffer.concat([...sections, ...own, option(0, out.num(8, 0))]);
  let done = section('options', 0, body, false) + 16 + body.length - 8;
  for (const buffer of contents.buffers) done = addBufferV7(out, buffer, zlib, piece, done);
  return { bytes: out.bytes(), places: out.places };
}

/**
 * A buffer, then the options that describe it, as trace-cmd writes them.
 * @param done where the DONE option of the options before says where these are
 * @returns where the DONE option of these does
 */
function addBufferV7(
  out: Output,
  buffer: DatBuffer,
  zlib: boolean,
  piece: (bytes: Buffer) => Buffer,
  done: number,
): number {
  const { pageSize } = out.machine;
  const bufferAt = out.length;
  out.place(`buffer ${buffer.name}`);
  out.add(out.num(2, 3), out.num(2, zlib ? 1 : 0), out.num(4, 0), out.num(8, 0));
  const table: Buffer[] = [];
  for (const [cpu, pages] of buffer.cpus.entries()) {
    const pieces: Buffer[] = [];
    for (let at = 0; zlib && at < pages.length; at += PAGES_IN_A_PIECE * pageSize) {
      pieces.push(piece(pages.subarray(at, at + PAGES_IN_A_PIECE * pageSize)));
    }
    const bytes = zlib ? Buffer.concat([out.num(4, pieces.length), ...pieces]) : pages;
    out.align();
    // The size of packed data does not count the number of pieces before them.
    const size = zlib ? bytes.length - 4 : bytes.length;
    table.push(out.num(4, cpu), out.num(8, out.length), out.num(8, size));
    out.place(`data ${buffer.name} ${cpu}`);
    out.add(bytes);
  }
  out.fill(bufferAt + 8, out.num(8, out.length - bufferAt - 16));
  const clock = buffer.clock ?? 'global';
  const fixed = 8 + buffer.name.length + 1 + clock.length + 1 + 8;
  const optionSize = fixed + 20 * buffer.cpus.length;
  out.fill(done, out.num(8, out.length));
  out.place(`options ${buffer.name}`);
  out.add(out.num(2, 0), out.num(2, 0), out.num(4, 0), out.num(8, 6 + optionSize + 6 + 8));
  out.add(out.num(2, OPTION_BUFFER), out.num(4, optionSize), out.num(8, bufferAt));
  out.add(`${buffer.name}\0${clock}\0`, out.num(4, pageSize), out.num(4, buffer.cpus.length));
  out.add(...table, out.num(2, 0), out.num(4, 8), out.num(8, 0));
  return out.length - 8;
}
