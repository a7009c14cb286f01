// /proc/slabinfo, version 2.1, becomes one object per cache. Truth: mm/slab_common.c cache_show(),
// print_slabinfo_header() (the same from 2.6.10 to 7.2). Sizes here are slab_size (s->size), not
// object_size; active_slabs is always num_slabs with SLUB (get_slabinfo() in mm/slub.c).

export interface ProcSlabCache {
  /** s->name: where caches were merged, the name of the first. */
  readonly name: string;
  readonly activeObjs: number;
  readonly numObjs: number;
  /** slab_size of sysfs. */
  readonly objsize: number;
  readonly objperslab: number;
  readonly pagesperslab: number;
  readonly activeSlabs: number;
  readonly numSlabs: number;
}

export interface ProcSlabinfo {
  /** '2.1', or null where the first line does not say. */
  readonly version: string | null;
  /** In the order of the file: the newest cache first. */
  readonly caches: readonly ProcSlabCache[];
  /** By name; of two lines with one name (old kernels' memory cgroups) the first. */
  readonly byName: ReadonlyMap<string, ProcSlabCache>;
  /** Lines that are neither a cache nor a heading. */
  readonly badLines: number;
}

/** Reads the file's text; a line that is no cache is counted and left out. Never throws. */
export function parseProcSlabinfo(text: string): ProcSlabinfo {
  const caches: ProcSlabCache[] = [];
  const byName = new Map<string, ProcSlabCache>();
  let version: string | null = null;
  let badLines = 0;
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('# name')) continue;
    if (line.startsWith('slabinfo - version:')) {
      version = /[\d.]+/.exec(line)?.[0] ?? null;
      continue;
    }
    const cache = parseCache(line);
    if (cache === undefined) badLines++;
    else {
      caches.push(cache);
      if (!byName.has(cache.name)) byName.set(cache.name, cache);
    }
  }
  return { version, caches, byName, badLines };
}

// kmalloc-64  48257  48320  64  64  1 : tunables  0  0  0 : slabdata  755  755  0
function parseCache(line: string): ProcSlabCache | undefined {
  const [head = '', tunables = '', slabdata = ''] = line.split(' : ');
  if (!tunables.startsWith('tunables') || !slabdata.startsWith('slabdata')) return undefined;
  // A name may hold blanks, so the numbers are counted from the right.
  const words = head.trimEnd().split(/\s+/);
  const numbers = words.splice(-5);
  const slabs = slabdata.split(/\s+/).slice(1, 3);
  const name = words.join(' ');
  if (name === '' || slabs.length < 2) return undefined;
  if (![...numbers, ...slabs].every((word) => /^\d{1,15}$/.test(word))) return undefined;
  const [activeObjs = 0, numObjs = 0, objsize = 0, objperslab = 0, pagesperslab = 0] =
    numbers.map(Number);
  const [activeSlabs = 0, numSlabs = 0] = slabs.map(Number);
  return {
    name,
    activeObjs,
    numObjs,
    objsize,
    objperslab,
    pagesperslab,
    activeSlabs,
    numSlabs,
  };
}
