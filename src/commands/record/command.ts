// `slabreplay record`: a recording folder from this machine's tracefs.

import { counted, formatBytes } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import { STDOUT } from '../../base/output-target.ts';
import { NO_PROGRESS } from '../../base/progress.ts';
import type { Desk, Made, MakingCommand } from '../shared/command.ts';
import { warn } from '../shared/output.ts';
import { flag, listOf, parsed, text, withPreset } from '../shared/specs.ts';

interface RecordCommandOptions {
  readonly command: readonly string[];
  readonly out?: string;
  readonly force?: boolean;
  readonly duration?: number;
  readonly pid: readonly number[];
  readonly events: readonly string[];
  readonly pageEvents?: boolean;
  readonly stacks?: boolean;
  readonly buffer: string;
  readonly instance: string;
  readonly root: string;
  readonly boot?: boolean;
  readonly collect?: boolean;
  readonly quiet?: boolean;
}

export const recordCommand: MakingCommand<RecordCommandOptions> = {
  name: 'record',
  summary:
    'record this machine (root): events of its slab allocator and the files that explain them',
  reads: 'machine',
  options: {
    command: {
      flags: '[command...]',
      help: 'record this command and what it forks, behind --',
      isFilled: true,
    },
    out: text('-o, --out <DIR>', 'the recording folder to make'),
    duration: parsed('--duration <TIME>', '10s, 500ms, 2m; without it until Ctrl-C', parseDuration),
    pid: {
      ...listOf('--pid <N>', 'only this task and what it forks (repeatable)', (pid) => [
        parsePid(pid),
      ]),
      presetText: 'every task',
    },
    events: withPreset(
      parsed('--events <LIST>', 'system:event,… in place of the slab events', (names) =>
        names.split(',').filter((event) => event !== ''),
      ),
      [],
      'slab events',
    ),
    pageEvents: flag(
      '--page-events',
      'also where pages come from and go to (mm_page_alloc, mm_page_free)',
    ),
    stacks: flag('--stacks', 'the stack of every event (about three times the bytes)'),
    buffer: withPreset(text('--buffer <SIZE>', 'ring buffer of each CPU'), '16M'),
    instance: withPreset(
      text('--instance <NAME>', 'tracefs instance'),
      `slabreplay-${process.pid}`,
      'slabreplay-PID',
    ),
    boot: flag('--boot', 'print the kernel command line for a recording from boot'),
    collect: flag('--collect', 'gather a recording from boot'),
    root: withPreset(
      text('--root <DIR>', 'where sys, proc and boot are: in a container, its host'),
      '/',
    ),
    force: flag('--force', 'replace the recording in the folder'),
    quiet: flag('-q, --quiet', 'no progress'),
  },
  run,
  render: null,
};

function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError('expected a time, such as 10s or 500ms');
  return Number(digits) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000);
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError('expected a pid');
  return Number(text);
}

async function run(options: RecordCommandOptions, desk: Desk): Promise<Made | undefined> {
  const { bootLine, collectRun, parseBuffer, recordRun } = await import('./record-run.ts');
  const { root, command } = options;
  const force = options.force === true;
  const stacks = options.stacks === true;
  const choice = { events: options.events, pageEvents: options.pageEvents === true };
  const bufferKb = parseBuffer(options.buffer);
  if (options.boot) {
    process.stdout.write(`${bootLine(root, choice, bufferKb, stacks)}\n`);
    desk.note('after a boot with this on the kernel command line: record --collect -o DIR');
    return undefined;
  }
  const folder = options.out;
  if (folder === undefined || folder === '' || folder === STDOUT) {
    throw new UsageError('where to? Name a new folder with -o DIR', {
      hint: 'slabreplay record -o run --duration 10s',
    });
  }
  if (options.collect) {
    const { bytes, warnings } = collectRun(root, folder, force);
    tell(folder, warnings, `${formatBytes(bytes)} of events since boot`, options);
    return undefined;
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
  const progress = command.length === 0 ? desk.progress : NO_PROGRESS;
  const { bytes, seconds, warnings, exitCode } = await progress.during(
    `recording ${folder}`,
    (tell) => recordRun(root, wanted, (bytes, losses) => tell(progressText(bytes, losses))),
  );
  tell(folder, warnings, `${formatBytes(bytes)} of events in ${seconds.toFixed(1)} s`, options);
  return { exitCode };
}

function tell(
  folder: string,
  warnings: readonly string[],
  what: string,
  { quiet }: RecordCommandOptions,
): void {
  for (const warning of warnings) warn(warning);
  if (quiet) return;
  warn(`${folder}: ${what}`);
  process.stderr.write(`Next:  slabreplay analyze ${folder}\n`);
}

function progressText(bytes: number, losses: number): string {
  const lost = losses === 0 ? '' : `, ${counted(losses, 'event')} lost`;
  return `${formatBytes(bytes)}${lost} (Ctrl-C ends it)`;
}
