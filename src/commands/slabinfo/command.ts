// `slabreplay slabinfo SOURCE [PATTERN]`: the tables of the kernel's slabinfo tool.

import { type Command, Option } from 'commander';
import { counted } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import type { TimeBound } from '../../pairing/event-filter.ts';
import {
  addSourceOptions,
  parseCount,
  parseTime,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, warn, writeResult } from '../shared/output.ts';
import type { SlabinfoOptions } from './options.ts';
import { slabinfoCommandLine } from './slabinfo-options.ts';

const { flags, defaults, liveActions, refuseLiveAction } = slabinfoCommandLine;

export function registerSlabinfo(program: Command): void {
  const command = program
    .command('slabinfo <source> [pattern]')
    .description("the kernel's slabinfo tables of a recording's /sys/kernel/slab")
    .addOption(
      new Option('--from <WHERE>', 'a capture of /sys/kernel/slab, or the replayed state')
        .choices(['sysfs', 'replay'])
        .default('sysfs'),
    )
    .addOption(
      new Option('--at <SECONDS>', 'with --from replay: the state at that time').argParser(
        parseTime,
      ),
    )
    .option('--json', 'print one JSON object')
    .option('--out <FILE>', 'write to a file instead of standard output')
    .option('--force', 'overwrite files');
  addSourceOptions(command);
  for (const flag of flags) {
    const value = flag.value === undefined ? '' : ` <${flag.value}>`;
    const help = flag.quirk === undefined ? flag.help : `${flag.help} (${flag.quirk})`;
    const option = new Option(`${flag.short}, ${flag.long}${value}`, help);
    command.addOption(flag.value === undefined ? option : option.argParser(parseCount));
  }
  for (const { short, long } of liveActions) {
    command.addOption(new Option(`${short}, ${long} [value]`).hideHelp());
  }
  command.action((source: string, pattern: string | undefined) => run(source, pattern, command));
}

async function run(source: string, pattern: string | undefined, command: Command): Promise<void> {
  const values = command.opts<SharedOptions & Record<string, unknown> & { at?: TimeBound }>();
  for (const option of command.options) {
    const action = liveActions.find((a) => a.long === option.long);
    if (action !== undefined && values[option.attributeName()] !== undefined) {
      const { message, hint } = refuseLiveAction(action.short);
      throw new UsageError(message, { hint });
    }
  }
  const options: Record<string, unknown> = { ...defaults, pattern: pattern ?? null };
  for (const option of command.options) {
    const flag = flags.find((f) => f.long === option.long);
    const value: unknown = values[option.attributeName()];
    if (flag !== undefined && value !== undefined) options[flag.key] = value;
  }
  const { replayedSlabinfoRun, slabinfoRun } = await import('./slabinfo-run.ts');
  const replays = values['from'] === 'replay';
  if (!replays && values['at'] !== undefined) {
    throw new UsageError('--at needs --from replay', {
      hint: 'A capture of /sys/kernel/slab shows one moment: the end of the recording.',
    });
  }
  const shared = await sourceOptions(source, values);
  // Cast: the defaults have every option; the flags replace values of their kinds.
  const slabinfoOptions = options as unknown as SlabinfoOptions;
  const tables = replays
    ? await replayedSlabinfoRun({ ...shared, until: values.at }, slabinfoOptions)
    : await slabinfoRun(shared, slabinfoOptions);
  if (tables.olderSlabs > 0 && !values['quiet']) {
    process.stderr.write(
      `slabreplay: the kernel had ${counted(tables.olderSlabs, 'slab')} more, of which no ` +
        'event tells: full since before the recording\n',
    );
  }
  if (!values['quiet']) for (const note of tables.notes) warn(note);
  if (values['json']) {
    const { buildSlabinfoJson } = await import('./slabinfo-json.ts');
    writeResult(renderJson(buildSlabinfoJson(tables)), values);
    return;
  }
  const { renderSlabinfoText } = await import('./slabinfo-text.ts');
  writeResult(renderSlabinfoText(tables.result), values);
}
