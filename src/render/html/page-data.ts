// What the scripts of a page are given: the numbers that charts are drawn of. Names in it are escaped
// as all text is (control characters shown as codes); scripts put them into the page as text only.

export interface PageData {
  readonly time: TimeChartData | null;
  readonly chains: ChainsData | null;
  readonly slabs: readonly SlabMapData[];
}

export interface TimeChartData {
  /** Whether times are seconds; else they are units of the trace's clock. */
  readonly isSeconds: boolean;
  readonly times: readonly number[];
  /** Bands from the axis up. */
  readonly bands: readonly { readonly name: string; readonly bytes: readonly number[] }[];
  readonly markers: readonly TimeMarker[];
}

export interface TimeMarker {
  readonly time: number;
  readonly kind: 'peak' | 'error' | 'warning' | 'note';
  readonly text: string;
}

export interface ChainsData {
  /** What chains are measured by. */
  readonly measures: readonly string[];
  /** Two names where two sides are compared, base first; else none. */
  readonly sides: readonly string[];
  readonly names: readonly string[];
  /** Indexes into `names`, outermost first, the cache last. */
  readonly chains: readonly (readonly number[])[];
  /** For each chain the measures of the first side, then of the second. */
  readonly amounts: readonly (readonly number[])[];
}

export interface SlabMapData {
  readonly cache: string;
  readonly slabSize: number;
  /** In words: how many slabs there are, and how many of them are drawn. */
  readonly summary: string;
  readonly sites: readonly string[];
  readonly rows: readonly {
    readonly address: string;
    readonly list: string;
    readonly slots: string;
    readonly owners: readonly number[];
  }[];
}
