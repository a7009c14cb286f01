// Every command of the program with every option that changes its path, for tests that only hold that
// none of them breaks.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CliResult } from './run-cli.ts';

/** A source that commands are run on. */
export interface Input {
  readonly name: string;
  readonly source: string;
  /** Another run, for comparisons. */
  readonly other: string;
  /** A folder for what commands write. */
  readonly folder: string;
  /** Seconds as the trace prints them; null where there is no event. */
  readonly first: string | null;
  readonly last: string | null;
  /** The address of an object. */
  readonly address: string;
}

/**
 * By command what stands behind `slabreplay COMMAND`. {}: the source, {other}: another run, {out}: a
 * file of its own, {first} and {last}: the times of the first and the last event, {address}: of an object.
 */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  analyze: [
    '{}',
    '{} --json',
    '{} --no-replay --top 0',
    '{} --csv',
    '{} --cache no-such-cache',
    '{} --cpu 0 --json',
    '{} --comm kworker* --top 0',
    '{} --pid 1 --exclude-comm *',
    '{} --time +0.001..+0.002',
    '{} --time {last}..',
    '{} --time ..0.000000001 --json',
    '{} --no-sidecars',
  ],
  lint: [
    '{}',
    '{} --json --top 0',
    '{} --sarif',
    '{} --no-replay --csv',
    '{} --cpu 1',
    '{} --cache kmalloc-* --fail-on error',
    '{} --comm no-such-task',
  ],
  frag: [
    '{}',
    '{} --by site --json',
    '{} --by size --at peak',
    '{} --by task --at +1',
    '{} --by stack --top 0',
    '{} --by directory --csv',
    '{} --at {first} --sort rounding',
    '{} --at {last} --by site',
    '{} --at 0 --json',
    '{} --at +999999 --by task',
    '{} --time +0.1..+0.2 --no-replay',
    '{} --cache no-such-cache --by site --no-look-through',
    '{} --pid 0 --by stack --json',
  ],
  rates: [
    '{}',
    '{} --json --by site',
    '{} --interval 0.5 --series',
    '{} --interval 1000000 --top 0',
    '{} --interval 0.001 --cpu 0 --csv',
    '{} --comm kworker* --sort bytes',
    '{} --cache no-such-cache --series --json',
  ],
  leaks: [
    '{} --outstanding',
    '{} --outstanding --all --json --min-age 0',
    '{} --outstanding --csv --top 0',
    '{} --format kmemleak --outstanding',
    '{} --cpu 1 --min-age 1000000 --outstanding',
    '{} --time +0.01..+0.02 --outstanding --no-look-through',
  ],
  history: [
    '{} {address}',
    '{} {address} --json',
    '{} {address} --at {first}',
    '{} {address} --at {last} --json --top 0',
    '{} {address} --at 0',
    '{} 0xdeadbeef00000000 --at +1',
  ],
  perfkmem: [
    '{}',
    '{} --caller --alloc',
    '{} --caller --line 0 --raw-ip',
    '{} --alloc -l 5 --json',
  ],
  replay: [
    '{}',
    '{} --json --top 0',
    '{} --slub-debug FZPU',
    '{} --cpus 1 --json',
    '{} --kernel 7.2',
    '{} --kernel 5.10 --cpus 4',
    '{} --slub-min-order 3 --slub-max-order 3',
    '{} --slub-min-objects 64 --slab-nomerge --csv',
    '{} --classes 8,64,1024,8192',
    '{} --dedicated no_such_site',
    '{} --at {first} --cache kmalloc-64',
    '{} --at {last} --cache kmalloc-* --json',
    '{} --at 0 --cache dentry',
    '{} --at +999999 --top 0',
    '{} --cache no-such-cache',
    '{} --no-sidecars --slub-debug P,kmalloc-*',
  ],
  slabinfo: [
    '{}',
    '{} --json',
    '{} -L',
    '{} -T',
    '{} -X',
    '{} -l -N 3',
    '{} --from replay -L',
    '{} --from replay -T --json',
    '{} --from replay --at {first} -S',
    '{} --from replay --at 0 -l',
    '{} --from replay --at +999999 no-such-cache',
    '{} -r kmalloc-64',
  ],
  validate: ['{}', '{} --json'],
  compare: [
    '{} --to {other}',
    '{other} --to {} --json',
    '{} --to {}',
    '{} --to {other} --per second --format markdown',
    '{} --to {other} --format lkp --no-replay',
    '{} --to {other} --format junit --fail-on cache:*:waste>+5%',
    '{} --to {other} --format sarif --match function --top 0',
    '{} --to {other} --per kmalloc --csv',
    '{} --to {other} --html {out} --force',
    '{} --to {other} --cpu 1',
    '{} --to {other} --cache no-such-cache',
  ],
  report: ['{} -o {out} --force', '{} -o {out} --force --no-replay --no-snapshot'],
  export: [
    '{} --to pprof -o {out} --force',
    '{} --to speedscope -o {out} --force',
    '{} --to collapsed -o {out} --force',
    '{} --to collapsed --value alloc-wasted --base {other} -o {out} --force',
    '{} --to trace-events -o {out} --force',
    '{} --to csv -o {out} --force --cpu 0',
    '{} --to parquet -o {out} --force',
    '{} --to sqlite-rows -o {out} --force',
    '{} --to pprof -o {out} --force --cache no-such-cache',
  ],
  ingest: ['{} -o {out} --force'],
};

/**
 * The commands for an input; those that need events are left out where it has none.
 * @param turns 1: all lines of each command; n: one line in n of each, at least one
 * @param turn which of them
 */
export function commandsFor(input: Input, turns = 1, turn = 0): string[][] {
  return Object.entries(COMMANDS).flatMap(([command, lines]) =>
    lines
      .map((line, i) => ({ line, i }))
      .filter(({ i }) => {
        const step = Math.min(turns, lines.length);
        return i % step === turn % step;
      })
      .filter(({ line }) => input.first !== null || !/\{first\}|\{last\}/.test(line))
      .map(({ line, i }) => {
        const out = join(input.folder, `${command}-${i}.out`);
        return [command, ...line.split(' ').map((word) => fill(word, input, out))];
      }),
  );
}

function fill(word: string, input: Input, out: string): string {
  return word
    .replace('{}', input.source)
    .replace('{other}', input.other)
    .replace('{out}', out)
    .replace('{first}', input.first ?? '')
    .replace('{last}', input.last ?? '')
    .replace('{address}', input.address);
}

/** What no output has: a stack trace, and what JavaScript prints of a value that is missing. */
const ODD = /\bNaN\b|\bundefined\b|\bInfinity\b|\[object |^ +at .+:\d+:\d+/m;
/** Done, a gate crossed, wrong use, and foreign data: all that can be. */
const CODES: ReadonlySet<number | null> = new Set([0, 1, 2, 65]);

/** What is wrong with the outcome of a command; undefined where nothing is. */
function fault(
  command: readonly string[],
  { code, stdout, stderr }: CliResult,
): string | undefined {
  if (!CODES.has(code)) return `exit ${code}: ${stderr.slice(0, 600)}`;
  for (const text of [stdout, stderr, writtenBy(command)]) {
    const odd = ODD.exec(text);
    if (odd !== null) return `prints ${text.slice(Math.max(0, odd.index - 60), odd.index + 60)}`;
  }
  return undefined;
}

/** Layouts of files that are no text. */
const BINARY = new Set(['pprof', 'parquet', 'sqlite-rows']);

/** The text of the file that a command has written; of a page without its scripts, but with its data. */
function writtenBy(command: readonly string[]): string {
  const [name, ...words] = command;
  const path = words.find((word) => word.endsWith('.out'));
  const isText = name !== 'ingest' && !words.some((word) => BINARY.has(word));
  if (path === undefined || !isText || !existsSync(path)) return '';
  return readFileSync(path, 'utf8').replaceAll(/<script>.*?<\/script>/gs, '');
}

/** The faults of some commands, each with its command; none where all is well. */
export function faults(
  commands: readonly (readonly string[])[],
  results: readonly CliResult[],
): string[] {
  return results.flatMap((result, i) => {
    const found = fault(commands[i] ?? [], result);
    return found === undefined ? [] : [`slabreplay ${commands[i]?.join(' ')}: ${found}`];
  });
}
