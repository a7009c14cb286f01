// `slabreplay export SOURCE --to FORMAT -o FILE`: a run for other tools.

import { type Command, Option } from 'commander';
import { addSourceOptions, type SharedOptions, sourceOptions } from '../options.ts';

interface ExportOptions extends SharedOptions {
  readonly to: 'csv' | 'sqlite-rows';
  readonly out: string;
}

export function registerExport(program: Command): void {
  const command = program
    .command('export <source>')
    .description('events for other tools')
    .addOption(
      new Option('--to <FORMAT>', 'csv: one event a row; sqlite-rows: a plain SQLite file')
        .choices(['csv', 'sqlite-rows'])
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --out <FILE>', 'the file to write')
    .option('--force', 'overwrite the file');
  addSourceOptions(command).action(run);
}

async function run(source: string, options: ExportOptions): Promise<void> {
  const shared = await sourceOptions(source, options);
  const target = { path: options.out, force: options.force === true };
  const { exportEvents, exportSqliteRows } = await import('../../pipeline/export-run.ts');
  let count: number;
  if (options.to === 'csv') {
    const { EventCsv } = await import('../../report/event-csv.ts');
    count = await exportEvents(shared, target, (input) => new EventCsv(input));
  } else count = await exportSqliteRows(shared, target);
  if (!options.quiet) {
    process.stderr.write(`slabreplay: ${options.out}: ${count.toLocaleString('en-US')} events\n`);
  }
}
