// A command is one value: what it is called, what it reads, which options it takes, how its result is
// built, and how that is printed. What is the same for all of them is done by the runner
// (cli/run-command.ts). A file with such a value imports nothing that is slow to load: the program
// reads the value first, then starts what it needs; `run` and `render` load the rest.

import type { Progress } from '../../base/progress.ts';
import type { Content } from './output.ts';
import type { Specs } from './specs.ts';

/** What the runner gives to a command beside its options. */
export interface Desk {
  /** The progress line of a terminal; nothing with `--quiet` and `--no-progress`. */
  readonly progress: Progress;
  /** The options that were given, in their order, each as often as it was given. */
  readonly given: readonly { readonly key: string; readonly text: string | undefined }[];
  /** A line on standard error; nothing with `--quiet`. */
  note(text: string): void;
}

/** How a result becomes text. Every layout says what it is made by; null: the command has none. */
interface Render<Options, Result> {
  text(result: Result, options: Options, desk: Desk): Promise<Content>;
  readonly csv: ((result: Result, options: Options) => Promise<string>) | null;
  /** The object that `--json` prints, without its formatVersion. */
  readonly json: ((result: Result) => object | Promise<object>) | null;
}

interface Named<Options> {
  readonly name: string;
  /** One line for `slabreplay --help`. */
  readonly summary: string;
  /** What it mainly reads. Where this is events, the thread that reads them is started ahead. */
  readonly reads: 'events' | 'snapshot' | 'sidecars' | 'database' | 'machine' | 'nothing';
  /** Arguments and options, in the order of `--help`. */
  readonly options: Specs<Options>;
  /** What `--help` says below the options. */
  readonly epilog?: string;
}

/** A command whose result is printed: as text, CSV or JSON, to standard output or where `-o` says. */
export interface PrintingCommand<Options, Result> extends Named<Options> {
  /** Undefined: there is nothing to print. */
  run(options: Options, desk: Desk): Promise<Result | undefined>;
  readonly render: Render<Options, Result>;
  /** Asked when the result is out: true where a gate was crossed, which is exit code 1. */
  gate?(result: Result, options: Options): boolean | Promise<boolean>;
}

/** A command that makes a file or folder, or prints while it runs. */
export interface MakingCommand<Options> extends Named<Options> {
  run(options: Options, desk: Desk): Promise<Made | undefined>;
  readonly render: null;
}

export interface Made {
  /** What the file behind `-o` holds now. */
  readonly holds?: string;
  /** Of a program that it has run. */
  readonly exitCode?: number;
}

export type Command<Options, Result> = PrintingCommand<Options, Result> | MakingCommand<Options>;

/** What `--json` prints where that is the result as it is. */
export function asItIs<Result extends object>(result: Result): Result {
  return result;
}
