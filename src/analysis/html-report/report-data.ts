// The result of `report`: the overview of a run, and what its figures are drawn of, all of bounded size.

import type { OutstandingGroup } from '../outstanding.ts';
import type { Analysis } from '../overview.ts';
import type { CallChains } from './call-chains.ts';
import type { LifetimeHistogram } from './lifetime-histogram.ts';
import type { LiveBands } from './live-bands.ts';
import type { SizeClass } from './size-histogram.ts';
import type { SlabPicture } from './slab-picture.ts';

export interface ReportData {
  readonly analysis: Analysis;
  /** Undefined where nothing was ever live. */
  readonly bands: LiveBands | undefined;
  readonly sizes: readonly SizeClass[];
  /** Undefined where the clock does not count nanoseconds, or nothing was freed. */
  readonly lifetimes: LifetimeHistogram | undefined;
  readonly chains: CallChains;
  readonly outstanding: readonly OutstandingGroup[];
  /** Empty where nothing was replayed. */
  readonly slabs: readonly SlabPicture[];
}
