// Where the fields of kernel structures are: from BTF, from pahole's text, or from a table of known
// kernels; one interface, with where it came from.

export interface FieldPlace {
  /** Bytes from the start of the structure. */
  readonly offset: number;
  /** 0 where the source does not say it. */
  readonly size: number;
}

export interface StructLayout {
  /** In words, for reports: "BTF in the image". */
  readonly source: string;
  /** A field, also one of an unnamed structure inside; `a.b` for one of a named structure inside. */
  field(struct: string, field: string): FieldPlace | undefined;
  sizeOf(struct: string): number | undefined;
}

/** Asks one layout after the other: the first that knows a structure answers for all of it. */
export function firstOf(layouts: readonly StructLayout[]): StructLayout | undefined {
  const [first, ...others] = layouts;
  if (first === undefined || others.length === 0) return first;
  const knowing = (struct: string): StructLayout | undefined =>
    layouts.find((l) => l.sizeOf(struct) !== undefined);
  return {
    source: layouts.map((l) => l.source).join(', then '),
    field: (struct, field) => knowing(struct)?.field(struct, field),
    sizeOf: (struct) => knowing(struct)?.sizeOf(struct),
  };
}

/** Something that is needed and that a layout does not have. */
export class MissingField extends Error {
  constructor(struct: string, field: string, source: string) {
    super(`struct ${struct} has no ${field} in ${source}`);
  }
}

/** @throws MissingField */
export function offsetOf(layout: StructLayout, struct: string, field: string): number {
  const place = layout.field(struct, field);
  if (place === undefined) throw new MissingField(struct, field, layout.source);
  return place.offset;
}

/** @throws MissingField */
export function sizeOf(layout: StructLayout, struct: string): number {
  const size = layout.sizeOf(struct);
  if (size === undefined) throw new MissingField(struct, 'size', layout.source);
  return size;
}
