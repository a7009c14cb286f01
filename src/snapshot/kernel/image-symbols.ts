// kallsyms in the image → the text of /proc/kallsyms (the kernel's own symbols, no modules'), where
// no one copied that file. VMCOREINFO names the tables from 6.1 on (kernel/kallsyms.c): names are a
// length and that many tokens, the first letter the type; an offset below 0 counts back from
// kallsyms_relative_base - 1, another one beside it is an absolute (per-CPU) address.

import { hex16, hiOf, loOf, wrap64 } from '../../base/address.ts';
import { type KernelReader, MissingMemory } from './kernel-reader.ts';
import type { VmcoreInfo } from './vmcoreinfo.ts';

/** A kernel has some 200 000 symbols in 5 MiB of text; their names end at KSYM_NAME_LEN. */
const MAX_SYMBOLS = 2 * 1024 * 1024;
const MAX_TEXT = 128 * 1024 * 1024;
const MAX_NAME = 512;
const TOKENS = 256;
/** The 256 tokens together, of at most some letters each. */
const TOKEN_TABLE_BYTES = 64 * 1024;
const NAMES_AT_A_TIME = 64 * 1024;

interface Tables {
  readonly names: bigint;
  readonly offsets: bigint;
  readonly relativeBase: bigint;
  readonly count: number;
  readonly tokens: readonly string[];
}

/** Undefined where the image has no such tables, or not all of them. */
export function readImageSymbols(reader: KernelReader, info: VmcoreInfo): Buffer | undefined {
  try {
    const tables = readTables(reader, info);
    return tables === undefined ? undefined : readSymbols(reader, tables);
  } catch (error) {
    if (error instanceof MissingMemory) return undefined;
    throw error;
  }
}

function readTables(reader: KernelReader, info: VmcoreInfo): Tables | undefined {
  const names = info.symbol('kallsyms_names');
  const offsets = info.symbol('kallsyms_offsets');
  const base = info.symbol('kallsyms_relative_base');
  const number = info.symbol('kallsyms_num_syms');
  const table = info.symbol('kallsyms_token_table');
  const index = info.symbol('kallsyms_token_index');
  if (names === undefined || offsets === undefined || base === undefined) return undefined;
  if (number === undefined || table === undefined || index === undefined) return undefined;
  const count = reader.u32(number);
  if (count === 0 || count > MAX_SYMBOLS) return undefined;
  const places = reader.bytes(index, TOKENS * 2);
  const last = places.readUInt16LE((TOKENS - 1) * 2);
  const text = reader.bytes(table, Math.min(TOKEN_TABLE_BYTES, last + 64));
  const tokens = Array.from({ length: TOKENS }, (_, i) => {
    const at = places.readUInt16LE(i * 2);
    const end = Math.max(at, text.indexOf(0, at));
    return text.toString('latin1', at, Math.min(end, at + MAX_NAME));
  });
  return { names, offsets, relativeBase: reader.u64(base), count, tokens };
}

/** Undefined where the names are none. */
function readSymbols(reader: KernelReader, tables: Tables): Buffer | undefined {
  const { count, relativeBase } = tables;
  const offsets = reader.bytes(tables.offsets, count * 4);
  // Offsets below 0 came with absolute per-CPU symbols and went with them (in v6.15): without any,
  // all of them are unsigned and count from the base.
  const signed = hasNegative(offsets);
  const names = new NameStream(reader, tables.names);
  const lines: string[] = [];
  let length = 0;
  for (let i = 0; i < count; i++) {
    const name = names.name(tables.tokens);
    length += name.length + 20;
    if (name.length > MAX_NAME || length > MAX_TEXT) return undefined;
    const offset = offsets.readInt32LE(i * 4);
    const address = signed ? absoluteOr(offset, relativeBase) : relativeBase + BigInt(offset);
    lines.push(`${hex16(hiOf(address), loOf(address))} ${name[0] ?? '?'} ${name.slice(1)}\n`);
  }
  return Buffer.from(lines.join(''), 'latin1');
}

function hasNegative(offsets: Buffer): boolean {
  for (let at = 3; at < offsets.length; at += 4) if ((offsets[at] ?? 0) >= 128) return true;
  return false;
}

function absoluteOr(offset: number, relativeBase: bigint): bigint {
  return offset >= 0 ? BigInt(offset) : wrap64(relativeBase - 1n - BigInt(offset));
}

/** The bytes of kallsyms_names, read in pieces: how long they are, nothing says. */
class NameStream {
  private readonly reader: KernelReader;
  private next: bigint;
  private piece: Buffer = Buffer.alloc(0);
  private at = 0;

  constructor(reader: KernelReader, start: bigint) {
    this.reader = reader;
    this.next = start;
  }

  /** One name, its type before it; no more of it than shows that it is none. */
  name(tokens: readonly string[]): string {
    let name = '';
    for (let left = this.length(); left > 0 && name.length <= MAX_NAME; left--) {
      name += tokens[this.byte()] ?? '';
    }
    return name;
  }

  private byte(): number {
    if (this.at === this.piece.length) this.fill();
    return this.piece[this.at++] ?? 0;
  }

  /** One byte, or two where the first has its top bit set. */
  private length(): number {
    const first = this.byte();
    return first < 128 ? first : (first & 127) | (this.byte() << 7);
  }

  /** Pieces end at page ends: a page behind the table may be missing. */
  private fill(): void {
    const toPageEnd = 4096 - Number(this.next & 4095n);
    const length = toPageEnd === 4096 ? NAMES_AT_A_TIME : toPageEnd;
    this.piece = this.tryRead(length) ?? this.reader.bytes(this.next, Math.min(length, 4096));
    this.next += BigInt(this.piece.length);
    this.at = 0;
  }

  private tryRead(length: number): Buffer | undefined {
    try {
      return this.reader.bytes(this.next, length);
    } catch (error) {
      if (error instanceof MissingMemory) return undefined;
      throw error;
    }
  }
}
