// `slabreplay report SOURCE -o FILE.html`: a run as one HTML page.

import { formatBytes } from '../../base/bytes-format.ts';
import { outputTarget } from '../../base/output-target.ts';
import type { MakingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  SOURCE_OPTIONS,
  type SourceValues,
} from '../shared/options.ts';
import { writeResult } from '../shared/output.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { flag, negatedFlag, required, text } from '../shared/specs.ts';

interface ReportOptions extends SourceValues, FilterValues {
  readonly out: string;
  readonly force?: boolean;
  readonly replay: boolean;
  readonly snapshot: boolean;
}

export const report: MakingCommand<ReportOptions> = {
  name: 'report',
  summary: 'one HTML page of a run: charts, tables, findings; needs no network',
  reads: 'events',
  options: {
    out: required(text('-o, --out <FILE>', 'the page to write')),
    force: flag('--force', 'overwrite the page'),
    snapshot: negatedFlag(
      '--no-snapshot',
      'do not look for leaks in a memory snapshot beside the run',
    ),
    replay: negatedFlag('--no-replay', 'do not replay through the SLUB model: no slab map'),
    ...SOURCE_OPTIONS,
    ...FILTER_OPTIONS,
  },
  async run(options, desk) {
    const { out, force = false, source, replay: replays, snapshot: scans } = options;
    outputTarget(out, force);
    const { reportRun } = await import('./report-run.ts');
    const data = await reportRun(await sourceOptions(options, desk), { replays, scans });
    const { renderReport } = await import('./page/report-page.ts');
    const { readPageAssets } = await import('../../render/html/assets.ts');
    const page = renderReport(data, source, readPageAssets());
    writeResult(page, { out, force });
    return { holds: formatBytes(Buffer.byteLength(page)) };
  },
  render: null,
};
