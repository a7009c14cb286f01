// BTF (Documentation/bpf/btf.rst) → structure layouts. A header {u16 magic 0xeb9f, u8 version, u8
// flags, u32 hdr_len, type_off, type_len, str_off, str_len}, then types {u32 name_off, u32 info, u32
// size or type} each followed by what its kind adds, then the names. info: vlen in bits 0-15, kind
// in bits 24-28, kind_flag in bit 31 (bit fields: the size is in the top byte of the offset).

import { TraceFormatError } from '../../base/errors.ts';
import { ensureLength } from '../../base/growable.ts';
import type { FieldPlace, StructLayout } from './struct-layout.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
/** A member of a structure: {u32 name_off, u32 type, u32 offset in bits}. */
const MEMBER_BYTES = 12;
/** Typedefs and unnamed structures inside each other deeper than this are a circle. */
const MAX_DEPTH = 32;
/** Fields looked at for one structure; struct net has 400. */
const MAX_MEMBERS = 65536;

const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

/** Bytes that follow a type: some for each of its vlen parts, some once. */
const EXTRA: Readonly<Record<number, { readonly each: number; readonly once: number }>> = {
  [KIND.int]: { each: 0, once: 4 },
  [KIND.array]: { each: 0, once: 12 },
  [KIND.struct]: { each: MEMBER_BYTES, once: 0 },
  [KIND.union]: { each: MEMBER_BYTES, once: 0 },
  [KIND.enum]: { each: 8, once: 0 },
  [KIND.funcProto]: { each: 8, once: 0 },
  [KIND.var]: { each: 0, once: 4 },
  [KIND.datasec]: { each: 12, once: 0 },
  [KIND.declTag]: { each: 0, once: 4 },
  [KIND.enum64]: { each: 12, once: 0 },
};

/** True where bytes begin as BTF does. */
export function isBtf(head: Buffer): boolean {
  return head.length >= HEADER_BYTES && head.readUInt16LE(0) === MAGIC && head[2] === 1;
}

export class BtfLayout implements StructLayout {
  readonly source: string;
  private readonly types: Buffer;
  private readonly strings: Buffer;
  /** Where type i + 1 is in `types`; type 0 is void. */
  private at: Uint32Array = new Uint32Array(1 << 16);
  private count = 0;
  private readonly structs = new Map<string, number>();
  private readonly fields = new Map<string, FieldPlace | undefined>();

  /** @throws TraceFormatError where the bytes contradict themselves */
  constructor(btf: Buffer, source: string) {
    this.source = source;
    if (!isBtf(btf)) throw new TraceFormatError(`${source}: not BTF (no magic 0xeb9f, version 1)`);
    const headerLength = btf.readUInt32LE(4);
    this.types = section(btf, headerLength, btf.readUInt32LE(8), btf.readUInt32LE(12), source);
    this.strings = section(btf, headerLength, btf.readUInt32LE(16), btf.readUInt32LE(20), source);
    this.index();
  }

  field(struct: string, field: string): FieldPlace | undefined {
    const key = `${struct}.${field}`;
    if (!this.fields.has(key)) this.fields.set(key, this.find(struct, field));
    return this.fields.get(key);
  }

  sizeOf(struct: string): number | undefined {
    const type = this.structs.get(struct);
    return type === undefined ? undefined : this.types.readUInt32LE(type + 8);
  }

  /** Where each type is, and the structures by name. */
  private index(): void {
    const { types } = this;
    for (let at = 0; at < types.length; ) {
      if (at + TYPE_BYTES > types.length) this.fail(at);
      const info = types.readUInt32LE(at + 4);
      const kind = (info >>> 24) & 31;
      const vlen = info & 0xffff;
      const extra = EXTRA[kind] ?? { each: 0, once: 0 };
      const next = at + TYPE_BYTES + extra.once + vlen * extra.each;
      if (kind === 0 || kind > KIND.enum64 || next > types.length) this.fail(at);
      this.at = ensureLength(this.at, this.count + 1);
      this.at[this.count++] = at;
      if ((kind === KIND.struct || kind === KIND.union) && vlen > 0) {
        const name = this.name(types.readUInt32LE(at));
        if (name !== '' && !this.structs.has(name)) this.structs.set(name, at);
      }
      at = next;
    }
  }

  private fail(at: number): never {
    throw new TraceFormatError(`${this.source}: damaged at type ${this.count + 1} (byte ${at})`);
  }

  private find(struct: string, path: string): FieldPlace | undefined {
    let type = this.structs.get(struct);
    let offset = 0;
    let size = 0;
    for (const name of path.split('.')) {
      if (type === undefined) return undefined;
      const budget = { members: MAX_MEMBERS };
      const member = this.memberOf(type, name, 0, budget);
      if (member === undefined) return undefined;
      offset += member.bits;
      size = this.sizeOfType(member.type, 0);
      type = this.structAt(member.type);
    }
    return { offset: Math.floor(offset / 8), size };
  }

  /** A member by name, also of unnamed structures inside; its offset in bits. */
  private memberOf(
    struct: number,
    name: string,
    depth: number,
    budget: { members: number },
  ): { bits: number; type: number } | undefined {
    const { types } = this;
    const info = types.readUInt32LE(struct + 4);
    const hasBitFields = info >>> 31 === 1;
    if (depth > MAX_DEPTH) return undefined;
    for (let i = 0; i < (info & 0xffff); i++) {
      if (budget.members-- <= 0) return undefined;
      const at = struct + TYPE_BYTES + i * MEMBER_BYTES;
      const type = types.readUInt32LE(at + 4);
      const word = types.readUInt32LE(at + 8);
      const bits = hasBitFields ? word & 0xffffff : word;
      const own = this.name(types.readUInt32LE(at));
      if (own === name) return { bits, type };
      const inside = own === '' ? this.structAt(type) : undefined;
      if (inside === undefined) continue;
      const found = this.memberOf(inside, name, depth + 1, budget);
      if (found !== undefined) return { bits: bits + found.bits, type: found.type };
    }
    return undefined;
  }

  /** Behind typedefs and qualifiers: where the type with a meaning of its own is. */
  private resolved(type: number): { at: number; kind: number } | undefined {
    let id = type;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      if (id === 0 || id > this.count) return undefined;
      const at = this.at[id - 1] ?? 0;
      const kind = (this.types.readUInt32LE(at + 4) >>> 24) & 31;
      const passes = (kind >= KIND.typedef && kind <= KIND.restrict) || kind === KIND.typeTag;
      if (!passes) return { at, kind };
      id = this.types.readUInt32LE(at + 8);
    }
    return undefined;
  }

  private structAt(type: number): number | undefined {
    const found = this.resolved(type);
    return found?.kind === KIND.struct || found?.kind === KIND.union ? found.at : undefined;
  }

  private sizeOfType(type: number, depth: number): number {
    const found = this.resolved(type);
    if (found === undefined || depth > MAX_DEPTH) return 0;
    if (found.kind === KIND.ptr) return 8;
    if (found.kind !== KIND.array) return this.types.readUInt32LE(found.at + 8);
    const element = this.types.readUInt32LE(found.at + TYPE_BYTES);
    const length = this.types.readUInt32LE(found.at + TYPE_BYTES + 8);
    return length * this.sizeOfType(element, depth + 1);
  }

  private name(offset: number): string {
    if (offset === 0 || offset >= this.strings.length) return '';
    const end = this.strings.indexOf(0, offset);
    return this.strings.toString('latin1', offset, end < 0 ? this.strings.length : end);
  }
}

function section(
  btf: Buffer,
  headerLength: number,
  offset: number,
  length: number,
  source: string,
): Buffer {
  const from = headerLength + offset;
  if (from + length > btf.length) {
    throw new TraceFormatError(
      `${source}: BTF is cut off (${btf.length} bytes, ${from + length} wanted)`,
    );
  }
  return btf.subarray(from, from + length);
}
