// What the times of rows count.

import { clockUnitOf, type TraceInfo } from '../../kernel/events/trace-info.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import { recordedClock } from '../events/text-clock.ts';
import type { CsvOptions, CsvTimeUnit } from '../format.ts';
import type { CsvColumns } from './columns.ts';

/**
 * The unit of the times: as the user says, else the recorded clock's, else by the column. Puts the
 * clock into `info`.
 */
export function timeUnitOf(
  columns: CsvColumns,
  options: CsvOptions,
  sidecars: SidecarFiles,
  info: TraceInfo,
): CsvTimeUnit {
  info.clock = recordedClock(sidecars);
  const recorded = clockUnitOf(info.clock);
  const own = columns.inNanoseconds ? (recorded === 'ns' ? 'ns' : recorded) : 's';
  const unit = options.tsUnit ?? own;
  info.clockUnit = unit === 'tick' || unit === 'count' ? unit : 'ns';
  if (info.clockUnit !== recorded) info.clock = null;
  return unit;
}
