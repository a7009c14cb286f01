// `slabreplay record`: a recording folder from this machine's tracefs.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatBytes } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';

interface RecordCommandOptions {
  readonly out?: string;
  readonly force?: boolean;
  readonly duration?: number;
  readonly pid: number[];
  readonly events: string[];
  readonly pageEvents?: boolean;
  readonly stacks?: boolean;
  readonly buffer: string;
  readonly instance: string;
  readonly boot?: boolean;
  readonly collect?: boolean;
  readonly quiet?: boolean;
}

export function registerRecord(program: Command): void {
  program
    .command('record')
    .description(
      'record this machine (root): events of its slab allocator and the files that explain them',
    )
    .argument('[command...]', 'record this command and what it forks, behind --')
    .option('-o, --out <DIR>', 'the recording folder to make')
    .addOption(
      new Option('--duration <TIME>', '10s, 500ms, 2m; without it until Ctrl-C').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--pid <N>', 'only this task and what it forks (repeatable)')
        .argParser((text: string, pids: number[]) => [...pids, parsePid(text)])
        .default([]),
    )
    .addOption(
      new Option('--events <LIST>', 'system:event,… in place of the slab events')
        .argParser((text: string) => text.split(',').filter((event) => event !== ''))
        .default([]),
    )
    .option('--page-events', 'also where pages come from and go to (mm_page_alloc, mm_page_free)')
    .option('--stacks', 'the stack of every event (about ten times the bytes)')
    .addOption(new Option('--buffer <SIZE>', 'ring buffer of each CPU').default('16M'))
    .addOption(
      new Option('--instance <NAME>', 'tracefs instance').default(`slabreplay-${process.pid}`),
    )
    .option('--boot', 'print the kernel command line for a recording from boot')
    .option('--collect', 'gather a recording from boot')
    .option('--force', 'write into a folder that is not empty')
    .option('-q, --quiet', 'no progress')
    .action(run);
}

function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError('a time is wanted, such as 10s or 500ms');
  return Number(digits) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000);
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('a pid is wanted');
  return Number(text);
}

async function run(command: string[], options: RecordCommandOptions): Promise<void> {
  const { bootLine, collectRun, parseBuffer, recordRun } = await import(
    '../../pipeline/record-run.ts'
  );
  const bufferKb = parseBuffer(options.buffer);
  if (options.boot) {
    process.stdout.write(`${bootLine(bufferKb, options.pageEvents === true)}\n`);
    return;
  }
  const folder = options.out;
  if (folder === undefined) {
    throw new UsageError('where to? -o DIR is wanted', {
      hint: 'slabreplay record -o run --duration 10s',
    });
  }
  if (options.collect) {
    say(`${folder}: ${formatBytes(collectRun(folder))} of events since boot`);
    return;
  }
  const recorded = await recordRun(
    {
      folder,
      force: options.force === true,
      instance: options.instance,
      durationMs: options.duration ?? null,
      pids: options.pid,
      events: options.events,
      pageEvents: options.pageEvents === true,
      stacks: options.stacks === true,
      bufferKb,
      command,
    },
    progress(options.quiet === true),
  );
  for (const warning of recorded.warnings) say(warning);
  if (!options.quiet) {
    say(`${folder}: ${formatBytes(recorded.bytes)} of events in ${recorded.seconds.toFixed(1)} s`);
    process.stderr.write(`Next:  slabreplay analyze ${folder}\n`);
  }
  process.exitCode = recorded.exitCode;
}

/** A line on a terminal, a second apart. */
function progress(isQuiet: boolean): (bytes: number) => void {
  if (isQuiet || !process.stderr.isTTY) return () => undefined;
  let last = 0;
  return (bytes) => {
    const now = performance.now();
    if (now - last < 1000) return;
    last = now;
    process.stderr.write(`\rrecording: ${formatBytes(bytes)} (Ctrl-C ends it)   `);
  };
}

function say(text: string): void {
  process.stderr.write(`slabreplay: ${text}\n`);
}
