// A report of SLUB's debug checks in a replay, as results give it and as lint reads it.

/** One of SLUB's reports, as results give it. */
export interface ReplayReport {
  readonly kind: string;
  /** In the kernel's words. */
  readonly title: string;
  /** Null where the address is in no cache. */
  readonly cache: string | null;
  readonly address: string;
  readonly slab: string | null;
  /** Line for line as the kernel prints it. */
  readonly text: string;
  /** The event that brought it to light: the free, the allocation, the check. */
  readonly event: ReportedEvent | null;
}

export interface ReportedEvent {
  /** Decimal digits, in the clock's unit. */
  readonly timeNs: string;
  readonly cpu: number;
  readonly comm: string;
  readonly pid: number;
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
}
