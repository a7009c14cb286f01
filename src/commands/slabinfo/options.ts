// The options of the kernel's slabinfo tool (tools/mm/slabinfo.c, 6.12; tools/vm in 6.1) as plain
// data, and the words that --help needs for each: what it does, and where it misleads, its quirk.
// The quirks are kept, so that our tables can be held against the tool's.

/** What to print. Booleans are the tool's flags; sections and the meaning of each: slabinfo.ts. */
export interface SlabinfoOptions {
  readonly aliases: boolean;
  readonly sortActivity: boolean;
  readonly bytes: boolean;
  readonly activity: boolean;
  readonly empty: boolean;
  readonly firstAlias: boolean;
  readonly inverted: boolean;
  readonly list: boolean;
  readonly sortLoss: boolean;
  readonly numa: boolean;
  /** -N; null: all. */
  readonly lines: number | null;
  readonly ops: boolean;
  readonly sortPartial: boolean;
  readonly report: boolean;
  readonly sortSize: boolean;
  readonly tracking: boolean;
  readonly totals: boolean;
  readonly unreclaimOnly: boolean;
  readonly extendedTotals: boolean;
  readonly zero: boolean;
  readonly singleRef: boolean;
  /** A POSIX basic regular expression, any case, anywhere in the name; null: every cache. */
  readonly pattern: string | null;
  /**
   * In which order directories and links are read, which decides ties. 'ext4': as from a capture
   * unpacked to an ext4 file system, whatever the order of its lines; 'capture': that of its lines.
   */
  readonly readOrder: 'ext4' | 'capture';
}

export const SLABINFO_DEFAULTS: SlabinfoOptions = {
  aliases: false,
  sortActivity: false,
  bytes: false,
  activity: false,
  empty: false,
  firstAlias: false,
  inverted: false,
  list: false,
  sortLoss: false,
  numa: false,
  lines: null,
  ops: false,
  sortPartial: false,
  report: false,
  sortSize: false,
  tracking: false,
  totals: false,
  unreclaimOnly: false,
  extendedTotals: false,
  zero: false,
  singleRef: false,
  pattern: null,
  readOrder: 'ext4',
};

export interface SlabinfoFlag {
  readonly key: Exclude<keyof SlabinfoOptions, 'pattern' | 'readOrder'>;
  readonly short: string;
  /** The tool's long form. */
  readonly long: string;
  /** The name of the value that it takes. */
  readonly value?: string;
  readonly help: string;
  /** Where the output misleads. */
  readonly quirk?: string;
}

/** Every option, in the order in which the tool lists them. */
export const SLABINFO_FLAGS: readonly SlabinfoFlag[] = [
  {
    key: 'aliases',
    short: '-a',
    long: '--aliases',
    help: 'merged caches with their names',
    quirk: 'caches with one name are left out, -1 shows them; with -i name -> cache',
  },
  {
    key: 'sortActivity',
    short: '-A',
    long: '--activity',
    help: 'sort by allocations and frees',
    quirk: 'all zero, so sorted by name, without CONFIG_SLUB_STATS; -S goes before it',
  },
  {
    key: 'bytes',
    short: '-B',
    long: '--Bytes',
    help: 'sizes in bytes',
    quirk: 'without it sizes and counts are decimal and truncated: 4096 is 4.0K, K is 1000',
  },
  {
    key: 'activity',
    short: '-D',
    long: '--display-active',
    help: 'columns of activity instead of sizes',
    quirk: 'all zero without CONFIG_SLUB_STATS',
  },
  {
    key: 'empty',
    short: '-e',
    long: '--empty',
    help: 'only caches without slabs',
    quirk: 'a cache whose slabs hold no object is not empty; %Fr and %Ef of an empty one are 100',
  },
  {
    key: 'firstAlias',
    short: '-f',
    long: '--first-alias',
    help: 'show a merged cache under an alias',
    quirk: 'not the first but the longest alias, or the first kmalloc one',
  },
  {
    key: 'inverted',
    short: '-i',
    long: '--inverted',
    help: 'invert the sorting',
    quirk:
      'reverses names only: with -S, -L, -P or -A it does not sort, it swaps ties of the order read',
  },
  {
    key: 'list',
    short: '-l',
    long: '--slabs',
    help: 'list caches, the default',
    quirk: 'in Slabs/Part/Cpu the first number is without the slabs on CPUs',
  },
  {
    key: 'sortLoss',
    short: '-L',
    long: '--Loss',
    help: 'sort by loss: memory less allocated objects',
    quirk: 'objects on CPU slabs count as allocated, rounding inside objects is not seen',
  },
  {
    key: 'numa',
    short: '-n',
    long: '--numa',
    help: 'slabs by node',
    quirk: 'says that there is no information when only node 0 has slabs; counts shorten to K',
  },
  {
    key: 'lines',
    short: '-N',
    long: '--lines',
    value: 'K',
    help: 'the first K caches',
    quirk: 'empty ones that are then hidden count too; K below 1 is 1',
  },
  {
    key: 'ops',
    short: '-o',
    long: '--ops',
    help: "the caches' operations",
    quirk: 'no kernel of today tells them',
  },
  {
    key: 'sortPartial',
    short: '-P',
    long: '--partial',
    help: 'sort by slabs on partial lists',
    quirk: 'slabs on per-CPU partial lists do not count',
  },
  {
    key: 'report',
    short: '-r',
    long: '--report',
    help: 'all about each cache',
    quirk: 'a list of one cache is always such a report; CpuSlab counts CPU partial lists too',
  },
  {
    key: 'sortSize',
    short: '-S',
    long: '--Size',
    help: 'sort by memory',
  },
  {
    key: 'tracking',
    short: '-t',
    long: '--tracking',
    help: 'allocating and freeing sites, with slub_debug=U',
    quirk: 'in sysfs until 5.13 only; No Data on later kernels',
  },
  {
    key: 'totals',
    short: '-T',
    long: '--Totals',
    help: 'sums over all caches',
    quirk:
      'the average of PartObjs is a percentage; MRatio is loss in % of used, not of all memory',
  },
  {
    key: 'unreclaimOnly',
    short: '-U',
    long: '--Unreclaim',
    help: 'leave out reclaimable caches',
    quirk: 'of lists only, not of totals',
  },
  {
    key: 'extendedTotals',
    short: '-X',
    long: '--Xtotals',
    help: 'totals and the first caches by size, loss and partial slabs, in bytes',
    quirk: 'one line each unless -N says more; with -A the last two are sorted by activity',
  },
  {
    key: 'zero',
    short: '-z',
    long: '--zero',
    help: 'also caches without slabs',
    quirk: '%Fr and %Ef of a cache without slabs are 100',
  },
  {
    key: 'singleRef',
    short: '-1',
    long: '--1ref',
    help: 'with -a: also caches with one name',
  },
];

/** Options of the tool that act on the running kernel; a recording has none. */
export const LIVE_ACTIONS: readonly { readonly short: string; readonly long: string }[] = [
  { short: '-d', long: '--debug' },
  { short: '-s', long: '--shrink' },
  { short: '-v', long: '--validate' },
];

/** What to answer to one of LIVE_ACTIONS: a message and a hint. */
export function refuseLiveAction(flag: string): { message: string; hint: string } {
  return {
    message: `slabinfo ${flag} changes a running kernel; a recording cannot be changed`,
    hint: "`slabreplay validate` checks a recording's slabs, `replay --slub-debug` debug options",
  };
}
