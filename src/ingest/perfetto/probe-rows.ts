// Events of kprobes in a Perfetto trace, which has no message for them: their fields have the names that
// the kernel gives them (kernel/trace/trace_kprobe.c, kprobe_event_define_fields(), 6.1).

import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceInput } from '../format.ts';
import { type AddressHalves, findTrampoline } from '../probes/open-probes.ts';
import { ProbeEvents } from '../probes/probe-events.ts';
import { type ProbePlan, parseProbeMapping, planProbe } from '../probes/probe-plan.ts';
import { ProbeStash } from '../probes/probe-stash.ts';
import { suggestMapping } from '../probes/suggest-mapping.ts';

const DEFAULT_PAGE = 4096;
const TWO_32 = 4294967296;

/** The numbers of an event by the names of its fields, as halves; reused from event to event. */
export class NamedValues {
  private readonly names: string[] = [];
  private readonly lows: number[] = [];
  private readonly highs: number[] = [];
  private length = 0;

  clear(): void {
    this.length = 0;
  }

  set(name: string, lo: number, hi: number): void {
    this.names[this.length] = name;
    this.lows[this.length] = lo;
    this.highs[this.length++] = hi;
  }

  /** True where the fields are those of a probe. */
  get isProbe(): boolean {
    return this.indexOf('__probe_ip') >= 0 || this.indexOf('__probe_func') >= 0;
  }

  /** Place of a field, -1 where it is not there. */
  indexOf(name: string): number {
    const at = this.names.indexOf(name);
    return at < this.length ? at : -1;
  }

  lo(at: number): number {
    return this.lows[at] ?? 0;
  }

  hi(at: number): number {
    return this.highs[at] ?? 0;
  }

  list(): string[] {
    return this.names.slice(0, this.length);
  }
}

export class ProbeRows {
  readonly stash: ProbeStash;
  private readonly events: ProbeEvents;
  private readonly input: TraceInput;
  private readonly writer: BatchWriter;
  private readonly info: TraceInfo;
  private readonly plans = new Map<string, ProbePlan | null>();
  /** The address that stands for a caller under a return probe; known once a probe was met. */
  trampoline: AddressHalves | undefined;
  private symbols: SymbolTable | undefined | null = null;

  /** @param recorded kinds of the tracepoints that the trace holds as well, as they come */
  constructor(
    input: TraceInput,
    writer: BatchWriter,
    info: TraceInfo,
    recorded: ReadonlySet<number>,
  ) {
    this.input = input;
    this.writer = writer;
    this.info = info;
    this.events = new ProbeEvents(writer, recorded, info.pageSize ?? DEFAULT_PAGE);
    this.stash = new ProbeStash(this.events);
  }

  /** Keeps an event of a probe; gives its number, -1 where it is none that tells about memory. */
  keep(name: string, fields: NamedValues): number {
    const returns = fields.indexOf('__probe_ret_ip');
    const func = Math.max(fields.indexOf('__probe_ip'), fields.indexOf('__probe_func'));
    if (func < 0) return -1;
    const [lo, hi] = [fields.lo(func), fields.hi(func)];
    const plan = this.planOf(name, fields, lo, hi, returns >= 0);
    if (plan === null) return -1;
    const { hit, values } = this.events;
    const { dictionary } = this.writer;
    hit.func = dictionary.strings.intern(this.functionName(lo, hi) ?? String(hi * TWO_32 + lo));
    hit.site =
      returns < 0 ? 0 : dictionary.sites.internAddress(fields.lo(returns), fields.hi(returns));
    values.clear();
    for (const [field, meaning] of plan.meanings) {
      const at = fields.indexOf(field);
      if (at >= 0 && meaning !== 'objects') values.set(meaning, fields.lo(at), fields.hi(at));
    }
    return this.stash.keep(plan);
  }

  private planOf(
    event: string,
    fields: NamedValues,
    lo: number,
    hi: number,
    isReturn: boolean,
  ): ProbePlan | null {
    const known = this.plans.get(event);
    if (known !== undefined) return known;
    const shape = { event, func: this.functionName(lo, hi), isReturn, fields: fields.list() };
    const plan = planProbe(shape, this.input.maps.map(parseProbeMapping)) ?? null;
    const mapping = plan === null ? suggestMapping(shape) : null;
    this.info.probes.push({ event, isRead: plan !== null, mapping });
    this.plans.set(event, plan);
    return plan;
  }

  private functionName(lo: number, hi: number): string | undefined {
    if (this.symbols === null) {
      const kallsyms = this.input.sidecars.bytes('kallsyms.txt');
      this.symbols = kallsyms === undefined ? undefined : new SymbolTable(kallsyms);
      this.trampoline = findTrampoline(this.symbols);
    }
    return this.symbols?.resolve(hi, lo)?.name;
  }
}
