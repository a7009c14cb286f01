// Probe records of a ring buffer → ProbeEvents. Their formats are written by the kernel from the
// probe's definition (kernel/trace/trace_kprobe.c, kprobe_event_define_fields(), 6.1):
//
//   field:unsigned long __probe_ip;                                       an entry
//   field:unsigned long __probe_func; field:unsigned long __probe_ret_ip; a return
//   field:u64 size;  field:u64 p[64];                                     the probe's arguments

import { present } from '../../base/assert.ts';
import type { ProbeSeen } from '../../kernel/events/trace-info.ts';
import type { SymbolTable } from '../../kernel/symbols/symbols.ts';
import { type EventField, type EventFormat, isProbeFormat } from '../events/event-format.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import type { ProbeEvents } from './probe-events.ts';
import { type Meaning, type ProbeMapping, type ProbePlan, planProbe } from './probe-plan.ts';
import { suggestMapping } from './suggest-mapping.ts';

interface Probe {
  readonly format: EventFormat;
  /** Where the function's address stands, and of a return that of the caller. */
  readonly func: EventField;
  readonly caller: EventField | undefined;
  /** Bytes that a record must have. */
  readonly minSize: number;
  /** How it is read, once a record has shown its function; null: not at all. */
  plan: ProbePlan | null | undefined;
  readonly fields: { readonly meaning: Meaning; readonly field: EventField }[];
  /** The function of the last record, and its number. */
  lo: number;
  hi: number;
  number: number;
}

export class ProbeRecords {
  readonly events: ProbeEvents;
  private readonly layout: ByteLayout;
  private readonly symbols: SymbolTable | undefined;
  private readonly mappings: readonly ProbeMapping[];
  private readonly internSite: (lo: number, hi: number) => number;
  private readonly probes: (Probe | undefined)[] = [];
  private readonly seen: ProbeSeen[];
  /** Numbers of functions, by name or address. */
  private readonly functions = new Map<string, number>();
  private lo = 0;
  private hi = 0;

  /**
   * @param symbols names of functions, where the trace or its folder has them
   * @param internSite the call site at an address
   * @param seen takes each probe of which there is a record
   */
  constructor(
    formats: readonly EventFormat[],
    layout: ByteLayout,
    events: ProbeEvents,
    symbols: SymbolTable | undefined,
    mappings: readonly ProbeMapping[],
    internSite: (lo: number, hi: number) => number,
    seen: ProbeSeen[] = [],
  ) {
    this.seen = seen;
    this.layout = layout;
    this.events = events;
    this.symbols = symbols;
    this.mappings = mappings;
    this.internSite = internSite;
    for (const format of formats) this.probes[format.id] = probeOf(format);
  }

  /** True where a record of this size is of a probe that tells about memory. */
  has(view: DataView, at: number, size: number): boolean {
    const probe = size < 8 ? undefined : this.probes[view.getUint16(at, this.layout.littleEndian)];
    if (probe === undefined || probe.plan === null || size < probe.minSize) return false;
    if (probe.plan === undefined) this.learn(probe, view, at);
    return probe.plan !== null;
  }

  /** Takes a record that it has; when and by whom stands in the hit. False where it makes no event. */
  add(view: DataView, at: number): boolean {
    const plan = this.take(view, at);
    return plan !== undefined && this.events.add(plan);
  }

  /** Reads a record that it has into the hit and the values of the events. */
  take(view: DataView, at: number): ProbePlan | undefined {
    const probe = this.probes[view.getUint16(at, this.layout.littleEndian)];
    const plan = probe?.plan;
    if (probe === undefined || plan == null) return undefined;
    const { hit, values } = this.events;
    this.readFunction(probe, view, at);
    hit.func = probe.number;
    hit.site = 0;
    if (probe.caller !== undefined) {
      this.read(probe.caller, view, at);
      hit.site = this.internSite(this.lo, this.hi);
    }
    values.clear();
    for (const { meaning, field } of probe.fields) {
      if (meaning === 'objects') this.readObjects(field, view, at);
      else {
        this.read(field, view, at);
        values.set(meaning, this.lo, this.hi);
      }
    }
    return plan;
  }

  /** The first record of a probe shows which function it sits on. */
  private learn(probe: Probe, view: DataView, at: number): void {
    this.read(probe.func, view, at);
    const { name, fields } = probe.format;
    const shape = {
      event: name,
      func: this.symbols?.resolve(this.hi, this.lo)?.name,
      isReturn: probe.caller !== undefined,
      fields: [...fields.keys()],
    };
    const plan = planProbe(shape, this.mappings);
    const isRead = plan !== undefined;
    this.seen.push({ event: name, isRead, mapping: isRead ? null : suggestMapping(shape) });
    probe.plan = plan ?? null;
    for (const [field, meaning] of plan?.meanings ?? []) {
      probe.fields.push({ meaning, field: present(fields.get(field)) });
    }
  }

  private readFunction(probe: Probe, view: DataView, at: number): void {
    this.read(probe.func, view, at);
    if (probe.number !== 0 && probe.lo === this.lo && probe.hi === this.hi) return;
    probe.lo = this.lo;
    probe.hi = this.hi;
    const name = this.symbols?.resolve(this.hi, this.lo)?.name ?? `${this.hi} ${this.lo}`;
    probe.number = this.functions.get(name) ?? this.functions.size + 1;
    this.functions.set(name, probe.number);
  }

  /** Reads a number of 1 to 8 bytes into `lo` and `hi`. */
  private read(field: EventField, view: DataView, at: number): void {
    const { littleEndian } = this.layout;
    const from = at + field.offset;
    this.hi = 0;
    if (field.size === 8) {
      this.lo = view.getUint32(littleEndian ? from : from + 4, littleEndian);
      this.hi = view.getUint32(littleEndian ? from + 4 : from, littleEndian);
    } else if (field.size === 4) this.lo = view.getUint32(from, littleEndian);
    else this.lo = field.size === 2 ? view.getUint16(from, littleEndian) : view.getUint8(from);
  }

  private readObjects(field: EventField, view: DataView, at: number): void {
    const { longSize, littleEndian } = this.layout;
    for (let i = 0; i + longSize <= field.size; i += longSize) {
      const from = at + field.offset + i;
      const first = view.getUint32(from, littleEndian);
      const second = longSize === 8 ? view.getUint32(from + 4, littleEndian) : 0;
      const swap = longSize === 8 && !littleEndian;
      this.events.values.pushObject(swap ? second : first, swap ? first : second);
    }
  }
}

function probeOf(format: EventFormat): Probe | undefined {
  if (!isProbeFormat(format)) return;
  const { fields } = format;
  const func = fields.get('__probe_ip') ?? fields.get('__probe_func');
  if (func === undefined) return;
  let minSize = 8;
  for (const field of fields.values()) minSize = Math.max(minSize, field.offset + field.size);
  const caller = fields.get('__probe_ret_ip');
  return { format, func, caller, minSize, plan: undefined, fields: [], lo: 0, hi: 0, number: 0 };
}
