// struct-offsets.txt, as pahole prints structures → their layouts:
//   struct kmem_cache {
//   	slab_flags_t               flags;                /*     8     4 */
//   			unsigned int inuse:16;           /*    40: 0  4 */
//   	struct freelist_counters ;                       /*    32    16 */     (unnamed, of that type)
//   	/* size: 200, cachelines: 4, members: 23 */

import type { FieldPlace, StructLayout } from './struct-layout.ts';

/** A field or the end of a structure inside: what it is, name, offset, size. */
const FIELD =
  /^\s*(.*?)([A-Za-z_]\w*)?(?:\[[^\]]*\])*(?:\)\([^;]*\))?(?::\d+)?\s*(?:__attribute__\(.*\))?;\s*\/\*\s*(\d+)(?::\s*\d+)?\s+(\d+)\s*\*\/\s*$/;
const SIZE = /^\s*\/\* size: (\d+),/;
const START = /^(?:struct|union) (\w+) \{$/;
const OPEN = /^\s*(?:struct|union)(?: \w+)? \{$/;
const UNNAMED = /^\s*(?:struct|union) (\w+) ;/;

interface ParsedStruct {
  readonly fields: Map<string, FieldPlace>;
  /** Unnamed fields of a named type, and where they are. */
  readonly embedded: { readonly struct: string; readonly offset: number }[];
  size: number | undefined;
}

export class PaholeLayout implements StructLayout {
  readonly source: string;
  private readonly structs = new Map<string, ParsedStruct>();

  /** @param text lines that are not of pahole are passed over */
  constructor(text: string, source = 'struct-offsets.txt') {
    this.source = source;
    let open: StructText | undefined;
    for (const line of text.split('\n')) {
      const [, name] = START.exec(line) ?? [];
      if (name !== undefined) {
        open = new StructText();
        if (!this.structs.has(name)) this.structs.set(name, open.parsed);
      } else open?.line(line);
    }
  }

  get isEmpty(): boolean {
    return this.structs.size === 0;
  }

  field(struct: string, field: string): FieldPlace | undefined {
    return this.find(struct, field, 0);
  }

  sizeOf(struct: string): number | undefined {
    return this.structs.get(struct)?.size;
  }

  private find(struct: string, field: string, depth: number): FieldPlace | undefined {
    const parsed = this.structs.get(struct);
    const own = parsed?.fields.get(field);
    if (parsed === undefined || own !== undefined || depth > 8) return own;
    for (const inside of parsed.embedded) {
      const found = this.find(inside.struct, field, depth + 1);
      if (found !== undefined) return { offset: inside.offset + found.offset, size: found.size };
    }
    return undefined;
  }
}

/** The lines of one structure; those of a named one inside get its name as a prefix at its end. */
class StructText {
  readonly parsed: ParsedStruct = { fields: new Map(), embedded: [], size: undefined };
  /** Fields seen since each structure inside began. */
  private readonly inside: [string, FieldPlace][][] = [];

  line(line: string): void {
    const [, size] = SIZE.exec(line) ?? [];
    if (size !== undefined) this.parsed.size = Number(size);
    else if (OPEN.test(line)) this.inside.push([]);
    else this.field(line);
  }

  private field(line: string): void {
    const [, type, name, offset, size] = FIELD.exec(line) ?? [];
    if (type === undefined) return;
    const place = { offset: Number(offset), size: Number(size) };
    const [, unnamed] = UNNAMED.exec(line) ?? [];
    if (unnamed !== undefined) {
      this.parsed.embedded.push({ struct: unnamed, offset: place.offset });
    } else if (type.startsWith('}')) this.close(name, place);
    else if (name !== undefined) this.put(name, place);
  }

  private close(name: string | undefined, place: FieldPlace): void {
    const fields = this.inside.pop() ?? [];
    for (const [field, at] of fields) this.put(name === undefined ? field : `${name}.${field}`, at);
    if (name !== undefined) this.put(name, place);
  }

  private put(name: string, place: FieldPlace): void {
    const target = this.inside.at(-1);
    if (target !== undefined) target.push([name, place]);
    else if (!this.parsed.fields.has(name)) this.parsed.fields.set(name, place);
  }
}
