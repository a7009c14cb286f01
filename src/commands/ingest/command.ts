// `slabreplay ingest SOURCE -o RUN.db`: events and sidecars into a run database.

import { counted, formatCount } from '../../base/bytes-format.ts';
import { fileTarget } from '../../base/output-target.ts';
import type { MakingCommand } from '../shared/command.ts';
import { SOURCE_OPTIONS, type SourceValues } from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { flag, required, text } from '../shared/specs.ts';

interface IngestOptions extends SourceValues {
  readonly out: string;
  readonly force?: boolean;
}

export const ingest: MakingCommand<IngestOptions> = {
  name: 'ingest',
  summary: 'store a recording as one SQLite file that every command reads',
  reads: 'events',
  options: {
    out: required(text('-o, --out <RUN.db>', 'the database to make')),
    force: flag('--force', 'overwrite the file'),
    ...SOURCE_OPTIONS,
  },
  async run(options, desk) {
    const { out, force = false } = options;
    fileTarget(out, force);
    const { ingestRun } = await import('../../analysis/store-run/ingest-run.ts');
    const { events, notStored } = await ingestRun(await sourceOptions(options, desk), out, force);
    const rest =
      notStored === 0
        ? ''
        : `, ${formatCount(notStored)} of them not about slab memory, so not stored`;
    return { holds: `${counted(events, 'event')}${rest}` };
  },
  render: null,
};
