// What a snapshot gets wrong or lacks, as data: each under a fixed name, how often, and where first.
// Only what makes reading pointless is thrown; everything else is counted here and shown.

export type FindingName =
  | 'truncated'
  | 'damaged_page'
  | 'bad_segment'
  | 'overlapping_segment'
  | 'bad_note'
  | 'bad_word'
  | 'repeated_word'
  | 'odd_line'
  | 'table_revisited'
  | 'table_missing'
  | 'table_nonsense'
  | 'direct_map_broken'
  | 'list_loop'
  | 'list_unreadable'
  | 'task_unreadable'
  | 'cache_unreadable'
  | 'cache_nonsense'
  | 'slab_of_unknown_cache'
  | 'slab_nonsense'
  | 'slab_unreachable'
  | 'slab_on_two_lists'
  | 'freelist_broken'
  | 'freelist_missing'
  | 'freelist_count'
  | 'sheaf_nonsense'
  | 'list_count'
  | 'slab_count';

/** What each name means, in the words of a report. */
const FINDING_TEXTS: Readonly<Record<FindingName, string>> = {
  truncated: 'bytes that the image says it has and the file does not',
  damaged_page: 'pages whose packed contents are damaged; they count as missing',
  bad_segment: 'segments of the image that make no sense, passed over',
  overlapping_segment: 'segments that repeat memory another segment holds',
  bad_note: 'notes of the image that are cut off or too large',
  bad_word: 'words in the text that are no numbers; they count as missing',
  repeated_word: 'words that the text gives twice with different values; the later one counts',
  odd_line: 'lines of the text that show no memory',
  table_revisited: 'page tables that are entered a second time, passed over',
  table_missing: 'page tables that are not in the image',
  table_nonsense: 'page-table entries that point outside any memory',
  direct_map_broken: 'runs of the direct map that map something else',
  list_loop: 'kernel lists that run in a circle',
  list_unreadable: 'kernel lists that leave the memory of the image',
  task_unreadable: 'tasks whose task_struct is not in the image',
  cache_unreadable: 'kmem_caches that are not in the image',
  cache_nonsense: 'kmem_caches whose sizes make no sense',
  slab_of_unknown_cache: 'slab pages that name no cache of slab_caches',
  slab_nonsense: 'slabs whose counts make no sense',
  slab_unreachable: 'slabs on a list that are no slab pages',
  slab_on_two_lists: 'slabs that are on more than one list',
  freelist_broken: 'freelists that leave their slab or run in a circle',
  freelist_missing: 'freelists that lead into memory the image does not hold',
  freelist_count: 'freelists with more or fewer objects than their slab’s counters say',
  sheaf_nonsense: 'sheaves that hold what is no object',
  list_count: 'node lists whose length is not their counter',
  slab_count: 'caches with more or fewer slabs than their counters say',
};

export interface Finding {
  readonly name: FindingName;
  /** What the name means, in the words of a report. */
  readonly text: string;
  readonly count: number;
  /** Where it was met first, in words. */
  readonly first: string;
}

export class Findings {
  private readonly counts = new Map<FindingName, { count: number; first: string }>();

  /** @param where computed only the first time a name is met */
  add(name: FindingName, where: string | (() => string), count = 1): void {
    const entry = this.counts.get(name);
    if (entry !== undefined) entry.count += count;
    else this.counts.set(name, { count, first: typeof where === 'string' ? where : where() });
  }

  get(name: FindingName): number {
    return this.counts.get(name)?.count ?? 0;
  }

  list(): Finding[] {
    return [...this.counts].map(([name, entry]) => ({ name, text: FINDING_TEXTS[name], ...entry }));
  }
}
