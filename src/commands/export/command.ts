// `slabreplay export SOURCE --to FORMAT -o FILE`: a run for other tools.

import type { ProfileValue } from '../../analysis/profile-stacks.ts';
import { counted } from '../../base/bytes-format.ts';
import { fileTarget, outputTarget } from '../../base/output-target.ts';
import type { MakingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  SOURCE_OPTIONS,
  type SourceValues,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, required, text } from '../shared/specs.ts';
import { EVENT_FORMATS, type ExportFormat, PROFILE_FORMATS } from './export-formats.ts';

const VALUES: readonly ProfileValue[] = [
  'live-bytes',
  'live-objects',
  'live-wasted',
  'alloc-bytes',
  'alloc-objects',
  'alloc-wasted',
];

interface ExportOptions extends SourceValues, FilterValues {
  readonly to: ExportFormat;
  readonly out: string;
  readonly force?: boolean;
  readonly value?: ProfileValue;
  readonly base?: string;
}

export const exportCommand: MakingCommand<ExportOptions> = {
  name: 'export',
  summary: 'events, profiles and curves for other tools',
  reads: 'events',
  options: {
    to: required(
      choice(
        '--to <FORMAT>',
        'pprof, speedscope, collapsed: what is allocated and held, by call chain; trace-events: live bytes of each cache over time (Perfetto, chrome://tracing); csv, parquet: one event a row; sqlite-rows: a plain SQLite file',
        [...PROFILE_FORMATS, ...EVENT_FORMATS],
      ),
    ),
    out: required(text('-o, --out <FILE>', 'the file to write')),
    value: choice('--value <WHAT>', 'collapsed: what is counted (default: live-bytes)', VALUES),
    base: text(
      '--base <SOURCE>',
      'collapsed: a run to compare with, for a differential flame graph',
    ),
    force: flag('--force', 'overwrite the file'),
    ...SOURCE_OPTIONS,
    ...FILTER_OPTIONS,
  },
  async run(options, desk) {
    const { to, out, force = false, value, base } = options;
    if (to === 'sqlite-rows') fileTarget(out, force);
    else outputTarget(out, force);
    const { exportTo } = await import('./export-to.ts');
    const source = await sourceOptions(options, desk);
    const { count, unit } = await exportTo(
      source,
      to,
      { path: out, force },
      {
        value,
        base:
          base === undefined ? undefined : await sourceOptions({ ...options, source: base }, desk),
      },
    );
    return { holds: counted(count, unit) };
  },
  render: null,
};
