// Events as CSV, one a row (docs/csv.md): what `export --to csv` writes and the CSV reader reads.

import { COLUMN_NAMES } from '../../ingest/csv/columns.ts';
import { ACCOUNTED, type Dictionary, NODE_UNKNOWN } from '../../kernel/events/dictionary.ts';
import { type EventBatch, FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND, EVENT_NAMES, isAlloc } from '../../kernel/events/event-kind.ts';
import { formatGfpFlags } from '../../kernel/events/gfp-flags.ts';
import { formatIrqFlags } from '../../kernel/events/irq-flags.ts';
import type { GfpName, TraceInfo } from '../../kernel/events/trace-info.ts';
import type { Call, EventRow, Site, Stack } from '../../kernel/indices.ts';
import { type Cell, csvLine } from '../../render/table.ts';

export interface EventCsvInput {
  readonly dictionary: Dictionary;
  readonly info: TraceInfo;
  readonly gfpNames: readonly GfpName[];
  readonly siteLabels: readonly (string | null)[];
}

export class EventCsv {
  private readonly input: EventCsvInput;
  /** The fields of each call, as written between `comm` and `stack`. */
  private readonly ofCall: (readonly Cell[] | undefined)[] = [];

  constructor(input: EventCsvInput) {
    this.input = input;
  }

  begin(): string {
    const other = this.input.info.clockUnit === 'ns' ? 'ts_ns' : 'ts';
    return csvLine(COLUMN_NAMES.filter((name) => name !== other));
  }

  /** The rows of a batch. */
  rows(batch: EventBatch): string {
    let text = '';
    for (let i: EventRow = 0; i < batch.length; i++) text += this.row(batch, i);
    return text;
  }

  end(): string {
    return '';
  }

  private row(batch: EventBatch, i: EventRow): string {
    const { info, dictionary } = this.input;
    const { tasks, strings } = dictionary;
    const task = batch.task[i];
    const call = batch.call[i];
    const flags = batch.flags[i];
    const ts = info.originNs + BigInt(batch.ts[i]);
    const [event, site, req, alloc, gfp, node, cache, accounted, data] = this.fields(call);
    return csvLine([
      info.clockUnit === 'ns' ? formatTime(ts) : ts,
      batch.cpu[i],
      task === 0 ? null : tasks.pid(task),
      event ?? null,
      `0x${info.pointerBytes === 4 ? '' : hex(batch.ptrHi[i])}${hex(batch.ptrLo[i])}`,
      task === 0 ? null : strings.get(tasks.comm(task)),
      site ?? null,
      req ?? null,
      alloc ?? null,
      gfp ?? null,
      node ?? null,
      cache ?? null,
      accounted ?? null,
      flags === FLAGS_UNKNOWN ? null : formatIrqFlags(flags),
      this.stackText(batch.stack[i]),
      data ?? null,
    ]);
  }

  private fields(call: Call): readonly Cell[] {
    let fields = this.ofCall[call];
    if (fields === undefined) {
      fields = this.fieldsOf(call);
      this.ofCall[call] = fields;
    }
    return fields;
  }

  private fieldsOf(call: Call): readonly Cell[] {
    const { dictionary, gfpNames } = this.input;
    const c = dictionary.calls.get(call);
    const isLost = c.kind === EVENT_KIND.lost;
    const hasSizes = isAlloc(c.kind) || (c.bytesReq + c.bytesAlloc > 0 && !isLost);
    return [
      EVENT_NAMES[c.kind] ?? null,
      this.siteText(c.site),
      hasSizes ? c.bytesReq : null,
      hasSizes ? c.bytesAlloc : null,
      c.gfpKnown ? formatGfpFlags(c.gfp, gfpNames) : null,
      c.node === NODE_UNKNOWN ? null : c.node,
      c.cache === 0 ? null : dictionary.strings.get(c.cache),
      c.accounted === ACCOUNTED.unknown ? null : c.accounted === ACCOUNTED.yes,
      isLost ? c.bytesReq : c.data === 0 ? null : dictionary.strings.get(c.data),
    ];
  }

  private siteText(site: Site): string | null {
    const { sites } = this.input.dictionary;
    const label = this.input.siteLabels[site];
    if (label != null) return label;
    const lo = sites.lo(site);
    const hi = sites.hi(site);
    return lo === 0 && hi === 0 ? null : `0x${hex(hi)}${hex(lo)}`;
  }

  private stackText(stack: Stack): string | null {
    if (stack === 0) return null;
    const { stacks } = this.input.dictionary;
    return [...stacks.frames(stack)].map((frame) => this.siteText(frame) ?? '?').join(';');
  }
}

/** Seconds with nine decimals. */
function formatTime(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const digits = (ns < 0n ? -ns : ns).toString().padStart(10, '0');
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
