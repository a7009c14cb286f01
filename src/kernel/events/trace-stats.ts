// What went wrong or was passed over while reading, as data: each under a fixed name with a
// severity, how often, and where first. Stored with the run and shown under every report.

type Severity = 'info' | 'data_loss' | 'error';
type StatSource = 'trace' | 'ingest' | 'replay';

export interface StatKind {
  readonly severity: Severity;
  readonly source: StatSource;
  readonly text: string;
}

export type StatName =
  | 'other_events'
  | 'lost_events'
  | 'lost_events_unknown'
  | 'bad_line'
  | 'long_line'
  | 'bad_record'
  | 'bad_page'
  | 'truncated'
  | 'bad_row'
  | 'duplicate_records'
  | 'backward_steps'
  | 'stack_without_event'
  | 'probe_half_missing'
  | 'empty_cache_name'
  | 'empty_gfp_flags'
  | 'unknown_gfp_name';

/** Every name that may be counted. */
export const STAT_KINDS: Readonly<Record<StatName, StatKind>> = {
  other_events: {
    severity: 'info',
    source: 'trace',
    text: 'events that are not about slab memory',
  },
  lost_events: { severity: 'data_loss', source: 'trace', text: 'events lost by the tracer' },
  lost_events_unknown: {
    severity: 'data_loss',
    source: 'trace',
    text: 'places where the tracer lost an unknown number of events',
  },
  bad_line: {
    severity: 'error',
    source: 'ingest',
    text: 'lines of a known event that cannot be read',
  },
  long_line: {
    severity: 'error',
    source: 'ingest',
    text: 'lines too long to be an event, passed over',
  },
  bad_record: { severity: 'error', source: 'ingest', text: 'records that contradict their format' },
  bad_page: {
    severity: 'error',
    source: 'ingest',
    text: 'ring-buffer pages that contradict their header, or repeat an earlier page',
  },
  truncated: {
    severity: 'data_loss',
    source: 'ingest',
    text: 'places where the file ends too early',
  },
  bad_row: {
    severity: 'error',
    source: 'ingest',
    text: 'rows of CSV or objects of JSON that cannot be read',
  },
  duplicate_records: {
    severity: 'info',
    source: 'ingest',
    text: 'records that repeat the one before',
  },
  backward_steps: {
    severity: 'info',
    source: 'trace',
    text: 'places where the clock of a CPU steps back',
  },
  stack_without_event: {
    severity: 'info',
    source: 'trace',
    text: 'stacks whose event is not there',
  },
  probe_half_missing: {
    severity: 'data_loss',
    source: 'trace',
    text: 'calls of which a probe saw only the entry or only the return',
  },
  empty_cache_name: { severity: 'info', source: 'trace', text: 'frees whose cache name is empty' },
  empty_gfp_flags: {
    severity: 'info',
    source: 'trace',
    text: 'allocations whose gfp_flags are empty',
  },
  unknown_gfp_name: {
    severity: 'info',
    source: 'trace',
    text: 'allocations with a gfp flag of a name that is not known: their flags are unknown',
  },
};

export interface Stat {
  readonly name: StatName;
  readonly count: number;
  /** 'line 12' or 'byte 4096': where it was met first. */
  readonly firstPosition: string;
}

/** Counts under fixed names. */
export class TraceStats {
  private readonly counts = new Map<StatName, { count: number; firstPosition: string }>();

  /** @param position where it was met ('line 12'); kept the first time only */
  add(name: StatName, count = 1, position = ''): void {
    const entry = this.counts.get(name);
    if (entry === undefined) this.counts.set(name, { count, firstPosition: position });
    else entry.count += count;
  }

  get(name: StatName): number {
    return this.counts.get(name)?.count ?? 0;
  }

  list(): Stat[] {
    return [...this.counts].map(([name, entry]) => ({ name, ...entry }));
  }

  /** Takes over what another part of the program (or an earlier run of it) has counted. */
  addAll(stats: readonly Stat[]): void {
    for (const s of stats) this.add(s.name, s.count, s.firstPosition);
  }
}
