// `slabreplay leaks SOURCE`: objects that nothing refers to, by a reference scan over a snapshot.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LeaksOptions } from '../../analysis/leaks/leaks-run.ts';
import {
  addFilterOptions,
  addOutputOptions,
  addSiteOptions,
  addSourceOptions,
  parseAddress,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, warn, writeResult } from '../shared/output.ts';

interface LeaksCommandOptions extends SharedOptions {
  readonly vmcore: string[];
  readonly outstanding?: boolean;
  readonly minAge: number;
  readonly suppress: string[];
  readonly annotations: string[];
  readonly baseline?: string;
  readonly conservative?: boolean;
  readonly pretrace?: boolean;
  readonly retained?: boolean;
  readonly all?: boolean;
  readonly format: 'text' | 'kmemleak';
  readonly whoPointsTo?: bigint;
}

export function registerLeaks(program: Command): void {
  const command = program
    .command('leaks <source>')
    .description('objects that nothing refers to (with a memory snapshot), or what is outstanding')
    .addOption(
      files(
        '--vmcore <FILE>',
        "a memory snapshot, else the recording's own; several: in all of them",
      ),
    )
    .option('--outstanding', 'without a snapshot: live objects by site, with age and growth')
    .addOption(
      new Option('--min-age <S>', 'seconds that an object must have lived')
        .argParser(parseSeconds)
        .default(5),
    )
    .addOption(
      files('--suppress <FILE>', "LeakSanitizer's suppressions: leak:PATTERN (repeatable)"),
    )
    .addOption(files('--annotations <FILE>', 'what kernel code tells kmemleak (repeatable)'))
    .option('--baseline <RUN.db>', 'only what is not live in that run')
    .option(
      '--conservative',
      'all memory that is no object is a root: needs no layouts, finds less',
    )
    .option('--pretrace', 'report objects that are older than the trace too')
    .option('--retained', 'bytes that the objects of each group keep alive')
    .option('--all', 'list every object, not only groups')
    .addOption(
      new Option('--format <NAME>', "kmemleak: the kernel's own report text")
        .choices(['text', 'kmemleak'])
        .default('text'),
    )
    .addOption(
      new Option('--who-points-to <ADDRESS>', 'list the words that point to an object').argParser(
        parseAddress,
      ),
    );
  addOutputOptions(addFilterOptions(addSiteOptions(addSourceOptions(command)))).action(run);
}

function files(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, previous: string[]) => [...previous, value])
    .default([]);
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === '' || !(seconds >= 0) || !Number.isFinite(seconds)) {
    throw new InvalidArgumentError('expected a number of seconds');
  }
  return seconds;
}

async function run(source: string, options: LeaksCommandOptions, command: Command): Promise<void> {
  const { leaksRun, leaksReferrersRun } = await import('../../analysis/leaks/leaks-run.ts');
  const from = await sourceOptions(source, options);
  const wanted: LeaksOptions = {
    vmcores: options.vmcore,
    outstanding: options.outstanding === true,
    minAgeSec: options.minAge,
    suppress: options.suppress,
    annotations: options.annotations,
    baseline: options.baseline,
    conservative: options.conservative === true,
    pretrace: options.pretrace === true,
    retained: options.retained === true,
    wantsChecksum: options.format === 'kmemleak',
  };
  if (options.whoPointsTo !== undefined) {
    const result = await leaksReferrersRun(from, wanted, options.whoPointsTo);
    const { renderReferrers } = await import('./leaks-text.ts');
    writeResult(options.json ? renderJson(result) : renderReferrers(result, options.top), options);
    return;
  }
  const { leaks, hz } = await leaksRun(from, wanted);
  if (options.json) writeResult(renderJson(leaks), options);
  else if (leaks.method === 'outstanding') {
    if (options.format === 'kmemleak') {
      warn('no memory snapshot: --format kmemleak lists what a reference scan finds');
    }
    const text = await import('./leaks-outstanding-text.ts');
    writeResult(
      options.csv ? text.renderOutstandingCsv(leaks) : text.renderOutstanding(leaks, options.top),
      options,
    );
  } else if (options.format === 'kmemleak') {
    const { renderKmemleak } = await import('./leaks-kmemleak-text.ts');
    writeResult(renderKmemleak(leaks, { hz }), options);
  } else {
    const { renderLeaks, renderLeaksCsv } = await import('./leaks-text.ts');
    const { top, all = false, vmcore: vmcores } = options;
    // All objects, unless the user says how many.
    const most = command.getOptionValueSource('top') === 'cli' ? top : 0;
    const shown = { top, objects: all ? most : undefined, source, vmcores };
    writeResult(options.csv ? renderLeaksCsv(leaks) : renderLeaks(leaks, shown), options);
  }
}
