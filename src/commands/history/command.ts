// `slabreplay history SOURCE ADDRESS`: the life of an address; with --dmesg of every object that a
// kernel log reports on.

import { type Command, Option } from 'commander';
import { present } from '../../base/assert.ts';
import { UsageError } from '../../base/errors.ts';
import {
  addKeepOption,
  addOutputOptions,
  addSourceOptions,
  parseAddress,
  parseTime,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';

interface HistoryOptions extends SharedOptions {
  readonly at?: Parameters<typeof parseTime>[0];
  readonly dmesg?: string;
}

export function registerHistory(program: Command): void {
  const command = program
    .command('history')
    .description(
      'the life of an address: every owner, the neighbours, and the reports of a kernel log',
    )
    .argument('<source>')
    .argument('[address]', 'of an object, or any byte in one: 0xffff888003a40040', parseAddress)
    .addOption(
      new Option('--at <SECONDS>', 'who had it, and who was beside it, at that time').argParser(
        (text: string) => {
          parseTime(text);
          return text;
        },
      ),
    )
    .option('--dmesg <FILE>', 'a kernel log: the objects of its SLUB, KASAN and KFENCE reports');
  addOutputOptions(addKeepOption(addSourceOptions(command))).action(run);
}

async function run(
  source: string,
  address: bigint | undefined,
  options: HistoryOptions,
): Promise<void> {
  const { dmesg, at } = options;
  if ((address === undefined) === (dmesg === undefined)) {
    throw new UsageError('expected an address or --dmesg FILE', {
      hint: 'slabreplay history SOURCE 0xffff888003a40040, or history SOURCE --dmesg dmesg.txt',
    });
  }
  const { historyRun, reportHistories } = await import('./history-run.ts');
  const { renderHistory, renderReportHistories } = await import('./history-text.ts');
  const shared = await sourceOptions(source, options);
  const until = at === undefined ? undefined : parseTime(at);
  if (dmesg !== undefined) {
    const found = await reportHistories({ ...shared, until }, dmesg);
    const text = options.json ? renderJson(found) : renderReportHistories(found, options.top);
    writeResult(text, options);
    return;
  }
  const history = await historyRun({ ...shared, until }, present(address));
  writeResult(options.json ? renderJson(history) : renderHistory(history, options.top), options);
}
