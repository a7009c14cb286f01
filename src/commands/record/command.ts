// `slabreplay record`: a recording folder from this machine's tracefs.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted, formatBytes } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import { STDOUT } from '../../base/output-target.ts';
import { progressLine } from '../shared/progress.ts';

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
  readonly root: string;
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
        .default([], 'every task'),
    )
    .addOption(
      new Option('--events <LIST>', 'system:event,… in place of the slab events')
        .argParser((text: string) => text.split(',').filter((event) => event !== ''))
        .default([], 'slab events'),
    )
    .option('--page-events', 'also where pages come from and go to (mm_page_alloc, mm_page_free)')
    .option('--stacks', 'the stack of every event (about three times the bytes)')
    .addOption(new Option('--buffer <SIZE>', 'ring buffer of each CPU').default('16M'))
    .addOption(
      new Option('--instance <NAME>', 'tracefs instance').default(
        `slabreplay-${process.pid}`,
        'slabreplay-PID',
      ),
    )
    .option('--boot', 'print the kernel command line for a recording from boot')
    .option('--collect', 'gather a recording from boot')
    .addOption(
      new Option('--root <DIR>', 'where sys, proc and boot are: in a container, its host').default(
        '/',
      ),
    )
    .option('--force', 'replace the recording in the folder')
    .option('-q, --quiet', 'no progress')
    .action(run);
}

function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('expected a time, such as 10s or 500ms');
  return Number(digits) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000);
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('expected a pid');
  return Number(text);
}

async function run(command: string[], options: RecordCommandOptions): Promise<void> {
  const { bootLine, collectRun, parseBuffer, recordRun } = await import('./record-run.ts');
  const { root } = options;
  const quiet = options.quiet === true;
  const force = options.force === true;
  const stacks = options.stacks === true;
  const choice = { events: options.events, pageEvents: options.pageEvents === true };
  const bufferKb = parseBuffer(options.buffer);
  if (options.boot) {
    process.stdout.write(`${bootLine(root, choice, bufferKb, stacks)}\n`);
    if (!quiet) say('after a boot with this on the kernel command line: record --collect -o DIR');
    return;
  }
  const folder = options.out;
  if (folder === undefined || folder === '' || folder === STDOUT) {
    throw new UsageError('where to? Name a new folder with -o DIR', {
      hint: 'slabreplay record -o run --duration 10s',
    });
  }
  if (options.collect) {
    const { bytes, warnings } = collectRun(root, folder, force);
    tell(folder, warnings, `${formatBytes(bytes)} of events since boot`, quiet);
    return;
  }
  // By this name the recorder's own allocations are known.
  process.title = 'slabreplay';
  const wanted = {
    ...choice,
    folder,
    force,
    instance: options.instance,
    durationMs: options.duration ?? null,
    pids: options.pid,
    stacks,
    bufferKb,
    command,
  };
  // The command has the terminal for itself.
  const progress = progressLine(!quiet && command.length === 0);
  const { bytes, seconds, warnings, exitCode } = await progress.during(
    `recording ${folder}`,
    (tell) => recordRun(root, wanted, (bytes, losses) => tell(progressText(bytes, losses))),
  );
  tell(folder, warnings, `${formatBytes(bytes)} of events in ${seconds.toFixed(1)} s`, quiet);
  process.exitCode = exitCode;
}

function tell(folder: string, warnings: readonly string[], what: string, quiet: boolean): void {
  for (const warning of warnings) say(warning);
  if (quiet) return;
  say(`${folder}: ${what}`);
  process.stderr.write(`Next:  slabreplay analyze ${folder}\n`);
}

function progressText(bytes: number, losses: number): string {
  const lost = losses === 0 ? '' : `, ${counted(losses, 'event')} lost`;
  return `${formatBytes(bytes)}${lost} (Ctrl-C ends it)`;
}

function say(text: string): void {
  process.stderr.write(`slabreplay: ${text}\n`);
}
