// What is the same for every command: the option values become a result, this becomes text, CSV or
// JSON, goes to standard output or where `-o` says, and the exit code follows.

import { EXIT, UsageError } from '../base/errors.ts';
import { outputTarget } from '../base/output-target.ts';
import type { Command, Desk, MakingCommand, PrintingCommand } from '../commands/shared/command.ts';
import {
  type Content,
  noteWritten,
  renderJson,
  warn,
  writeResult,
} from '../commands/shared/output.ts';
import { progressLine } from '../commands/shared/progress.ts';

/** The options that the runner itself understands; a command has some of them. */
export interface RunnerValues {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
}

/** @param options what the command's options became; the runner's are among them */
export async function runCommand<Options, Result>(
  command: Command<Options, Result>,
  options: Options & RunnerValues,
  given: Desk['given'],
): Promise<void> {
  const { quiet = false, progress = true } = options;
  const desk: Desk = {
    given,
    progress: progressLine(progress && !quiet),
    note: (text) => {
      if (!quiet) warn(text);
    },
  };
  await (command.render === null ? make(command, options, desk) : print(command, options, desk));
}

async function print<Options, Result>(
  command: PrintingCommand<Options, Result>,
  options: Options & RunnerValues,
  desk: Desk,
): Promise<void> {
  const { render } = command;
  const { out, force = false, json = false, csv = false } = options;
  if (csv && render.csv === null) throw hasNone(command, 'CSV');
  if (json && render.json === null) throw hasNone(command, 'JSON');
  // Reported before a long run, not after it.
  if (out !== undefined) outputTarget(out, force);
  const result = await command.run(options, desk);
  if (result === undefined) return;
  let content: Content;
  if (json && render.json !== null) content = renderJson(await render.json(result));
  else if (csv && render.csv !== null) content = await render.csv(result, options);
  else content = await render.text(result, options, desk);
  writeResult(content, { out, force });
  if ((await command.gate?.(result, options)) !== true) return;
  process.exitCode = EXIT.gateCrossed;
  if (out !== undefined) desk.note('a gate was crossed');
}

async function make<Options>(
  command: MakingCommand<Options>,
  options: Options & RunnerValues,
  desk: Desk,
): Promise<void> {
  const { holds, exitCode } = (await command.run(options, desk)) ?? {};
  const { out, quiet = false } = options;
  if (holds !== undefined && out !== undefined && !quiet) noteWritten(out, holds);
  if (exitCode !== undefined) process.exitCode = exitCode;
}

/** The one answer to a layout that a command does not have. */
function hasNone<Options, Result>(
  { name, render }: PrintingCommand<Options, Result>,
  layout: 'CSV' | 'JSON',
): UsageError {
  const others = [
    ...(render.json === null ? [] : ['--json']),
    ...(render.csv === null ? [] : ['--csv']),
  ];
  return new UsageError(`${name} has no ${layout}`, {
    hint: others.length === 0 ? 'Its output is text.' : `Use ${others.join(' or ')}.`,
  });
}
