// What a ring buffer's formats and symbols say about probes → the reader of their records. Loaded
// only where a probe is described, which is nearly never.

import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import type { ProbeSeen } from '../../kernel/events/trace-info.ts';
import { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { EventFormat } from '../events/event-format.ts';
import { TRAMPOLINES } from '../events/site-text.ts';
import type { TraceInput } from '../format.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { ProbeEvents } from './probe-events.ts';
import { parseProbeMapping } from './probe-plan.ts';
import { ProbeRecords } from './probe-records.ts';

/** An address as its two halves. */
export interface AddressHalves {
  readonly lo: number;
  readonly hi: number;
}

export interface OpenedProbes {
  readonly records: ProbeRecords;
  /** The address that stands for a caller under a return probe. */
  readonly trampoline: AddressHalves | undefined;
}

/** @param seen takes each probe of which there is a record */
export function openProbes(
  formats: readonly EventFormat[],
  layout: ByteLayout,
  input: Pick<TraceInput, 'sidecars' | 'maps'>,
  writer: BatchWriter,
  seen: ProbeSeen[],
): OpenedProbes {
  const kallsyms = input.sidecars.bytes('kallsyms.txt');
  const symbols = kallsyms === undefined ? undefined : new SymbolTable(kallsyms);
  const trampoline = findTrampoline(symbols);
  const events = new ProbeEvents(writer, recordedKinds(formats), layout.pageSize);
  const internSite = (lo: number, hi: number): number =>
    (lo === 0 && hi === 0) || (lo === trampoline?.lo && hi === trampoline.hi)
      ? 0
      : writer.dictionary.sites.internAddress(lo, hi);
  const mappings = input.maps.map(parseProbeMapping);
  const records = new ProbeRecords(formats, layout, events, symbols, mappings, internSite, seen);
  return { records, trampoline };
}

/** Tracepoints that the file describes: trace-cmd describes those that it records. */
function recordedKinds(formats: readonly EventFormat[]): Set<number> {
  const kinds: Readonly<Record<string, number>> = EVENT_KIND;
  return new Set(
    formats.filter((f) => f.fields.has('call_site')).map((f) => kinds[f.name] ?? EVENT_KIND.none),
  );
}

/** The address that stands for a caller under a return probe, where symbols tell it. */
export function findTrampoline(symbols: SymbolTable | undefined): AddressHalves | undefined {
  for (const name of TRAMPOLINES) {
    const address = symbols?.addressOf(name);
    if (address !== undefined) {
      return { lo: Number(address & 0xffffffffn), hi: Number(address >> 32n) };
    }
  }
  return undefined;
}
