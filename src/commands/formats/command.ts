// `slabreplay formats`: what can be read, and what each carries.

import type { Command } from 'commander';
import { renderJson } from '../shared/output.ts';

export function registerFormats(program: Command): void {
  program
    .command('formats')
    .description('the input formats and what each carries')
    .option('--json', 'print one JSON object')
    .action(run);
}

async function run(options: { json?: boolean }): Promise<void> {
  const { listFormats } = await import('./list-formats.ts');
  const formats = await listFormats();
  if (options.json) {
    process.stdout.write(renderJson({ type: 'formats', formats }));
    return;
  }
  const { renderTable } = await import('../../render/table.ts');
  const rows = formats.map((f) => [f.name, f.title, f.carries]);
  const columns = [{ title: 'format' }, { title: 'what' }, { title: 'carries' }];
  process.stdout.write(renderTable(columns, rows, { width: 0 }));
  process.stdout.write(
    '\nAny of them may be packed with gzip, xz or zstd. They are told apart by their content.\n',
  );
}
