// Events that Perfetto has no message for: those whose fields are spelled out in each event
// (generic.proto), and those that the bundle describes (ftrace_event_bundle.proto,
// GenericEventDescriptor: a DescriptorProto of google/protobuf/descriptor.proto).

import { FIELD, fieldOf, type KmemMessage, type KmemValues, kmemMessage } from './kmem-messages.ts';
import type { NamedValues } from './probe-rows.ts';
import { ignore, type WireReader } from './wire.ts';

/** Described events have numbers behind those of ftrace_event.proto. */
const MAX_NUMBER = 65536;
const GENERIC = { eventName: 1, field: 2 } as const;
const GENERIC_FIELD = { name: 1, int: 4, uint: 5 } as const;
const DESCRIPTOR = { fieldId: 1, descriptor: 2, name: 1, field: 2, number: 3 } as const;

/** What the kernel puts before a probe's own fields. */
const PROBE_FIELDS: ReadonlySet<string> = new Set(['__probe_ip', '__probe_func']);

/** An event whose fields were spelled out. */
interface SpelledEvent {
  readonly name: string;
  readonly message: KmemMessage | undefined;
}

export class GenericEvents {
  private readonly messages: (KmemMessage | undefined)[];
  /** Names of described events, by number. */
  private readonly names = new Map<number, string>();
  private readonly probes = new Map<number, ReadonlyMap<number, string>>();
  private readonly spelled = new Map<string, KmemMessage | undefined>();

  /** @param messages takes those that are described, by number */
  constructor(messages: (KmemMessage | undefined)[]) {
    this.messages = messages;
  }

  nameOf(number: number): string | undefined {
    return this.names.get(number);
  }

  /** A GenericEventDescriptor. */
  describe(reader: WireReader, from: number, to: number): void {
    let number = 0;
    let name = '';
    const fields = new Map<number, string>();
    const takeField = (start: number, end: number): void => {
      const { name: fieldName, number: fieldNumber } = readField(reader, start, end);
      if (fieldNumber > 0 && fieldNumber <= MAX_NUMBER) fields.set(fieldNumber, fieldName);
    };
    const takeDescriptor = (field: number, start: number, end: number): void => {
      if (field === DESCRIPTOR.name) name = reader.text(start, end);
      else if (field === DESCRIPTOR.field) takeField(start, end);
    };
    reader.each(
      from,
      to,
      (field, value) => {
        if (field === DESCRIPTOR.fieldId) number = value;
      },
      (field, start, end) => {
        if (field === DESCRIPTOR.descriptor) reader.each(start, end, ignore, takeDescriptor);
      },
    );
    if (name === '' || number === 0 || number > MAX_NUMBER || this.names.has(number)) return;
    this.names.set(number, name);
    const isProbe = [...fields.values()].some((each) => PROBE_FIELDS.has(each));
    if (isProbe) {
      this.probes.set(number, fields);
      return;
    }
    // A described event must not take the place of one that the schema knows.
    this.messages[number] ??= kmemMessage(name, fields);
  }

  /** The names of the fields of a described probe, by number; undefined where it is no probe. */
  probeFields(number: number): ReadonlyMap<number, string> | undefined {
    return this.probes.get(number);
  }

  /** A GenericFtraceEvent; its values are put into `values`, under their names into `named`. */
  read(
    reader: WireReader,
    from: number,
    to: number,
    values: KmemValues,
    named: NamedValues,
  ): SpelledEvent {
    let name = '';
    reader.each(from, to, ignore, (field, start, end) => {
      if (field === GENERIC.eventName) name = reader.text(start, end);
      else if (field === GENERIC.field) readSpelledField(reader, start, end, values, named);
    });
    if (!this.spelled.has(name)) this.spelled.set(name, kmemMessage(name, new Map()));
    return { name, message: this.spelled.get(name) };
  }
}

/** A FieldDescriptorProto. */
function readField(
  reader: WireReader,
  from: number,
  to: number,
): { readonly name: string; readonly number: number } {
  let name = '';
  let number = 0;
  reader.each(
    from,
    to,
    (field, value) => {
      if (field === DESCRIPTOR.number) number = value;
    },
    (field, start, end) => {
      if (field === DESCRIPTOR.name) name = reader.text(start, end);
    },
  );
  return { name, number };
}

function readSpelledField(
  reader: WireReader,
  from: number,
  to: number,
  values: KmemValues,
  named: NamedValues,
): void {
  let name = '';
  reader.each(
    from,
    to,
    (field) => {
      const isValue = field === GENERIC_FIELD.int || field === GENERIC_FIELD.uint;
      if (!isValue || name === '') return;
      named.set(name, reader.lo, reader.hi);
      const role = fieldOf(name);
      if (role !== FIELD.none) values.set(role, reader.lo, reader.hi);
    },
    (field, start, end) => {
      if (field === GENERIC_FIELD.name) name = reader.text(start, end);
    },
  );
}
