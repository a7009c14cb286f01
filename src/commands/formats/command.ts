// `slabreplay formats`: what can be read, and what each carries.

import { asItIs, type PrintingCommand } from '../shared/command.ts';
import { JSON_OPTION } from '../shared/options.ts';
import type { FormatEntry } from './list-formats.ts';

interface Formats {
  readonly type: 'formats';
  readonly formats: readonly FormatEntry[];
}

export const formats: PrintingCommand<{ readonly json?: boolean }, Formats> = {
  name: 'formats',
  summary: 'the input formats and what each carries',
  reads: 'nothing',
  options: { json: JSON_OPTION },
  async run() {
    const { listFormats } = await import('./list-formats.ts');
    return { type: 'formats', formats: await listFormats() };
  },
  render: {
    async text(result) {
      const { renderTable } = await import('../../render/table.ts');
      const rows = result.formats.map((f) => [f.name, f.title, f.carries]);
      const columns = [{ title: 'format' }, { title: 'what' }, { title: 'carries' }];
      return (
        renderTable(columns, rows, { width: 0 }) +
        '\nAny of them may be packed with gzip, xz or zstd. They are told apart by their content.\n'
      );
    },
    csv: null,
    json: asItIs,
  },
};
