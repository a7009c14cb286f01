// A command's value becomes a command of commander: what --help prints, what the command line means.

import {
  Argument,
  type Command as CommanderCommand,
  InvalidArgumentError,
  Option,
} from 'commander';
import { UsageError } from '../base/errors.ts';
import type { Command, Desk } from '../commands/shared/command.ts';
import { flag, type Spec } from '../commands/shared/specs.ts';
import { type RunnerValues, runCommand } from './run-command.ts';

/** Adds it to the program; what is parsed goes to the runner. */
export function addCommand<Options, Result>(
  program: CommanderCommand,
  command: Command<Options, Result>,
): void {
  const target = program.command(command.name).description(command.summary);
  if (command.epilog !== undefined) target.addHelpText('after', command.epilog);
  const given: Desk['given'][number][] = [];
  const argumentKeys: string[] = [];
  const optionKeys = new Map<string, string>();
  for (const [key, spec] of specsOf(command)) {
    if (!spec.flags.startsWith('-')) {
      argumentKeys.push(key);
      target.addArgument(argumentOf(spec));
      continue;
    }
    for (const option of optionsOf(spec)) {
      target.addOption(option);
      optionKeys.set(option.attributeName(), key);
      // As listed by commander: null and undefined for an option without a value.
      target.on(`option:${option.name()}`, (text?: string | null) => {
        given.push({ key, text: text ?? undefined });
      });
    }
  }
  target.action(async () => {
    const values: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(target.opts())) {
      values[optionKeys.get(name) ?? name] = value;
    }
    argumentKeys.forEach((key, i) => {
      values[key] = target.processedArgs[i];
    });
    // Cast: Specs<Options> has a spec for each value of Options, with its type.
    await runCommand(command, values as Options & RunnerValues, given);
  });
}

/** The command's own, and hidden ones for layouts that it lacks, so that the answer can say so. */
function specsOf<Options, Result>({
  options,
  render,
}: Command<Options, Result>): [string, Spec<unknown>][] {
  const own = Object.entries<Spec<unknown>>(options);
  const lacking = (['csv', 'json'] as const)
    .filter((layout) => render !== null && render[layout] === null)
    .map((layout): [string, Spec<unknown>] => [
      layout,
      { ...flag(`--${layout}`, ''), isHidden: true },
    ]);
  return [...own, ...lacking];
}

function argumentOf({ flags, help, parse }: Spec<unknown>): Argument {
  const argument = new Argument(flags, help);
  return parse === undefined ? argument : argument.argParser(parserOf(parse));
}

function optionsOf(spec: Spec<unknown>): Option[] {
  const { parse, choices, preset, conflicts, negation } = spec;
  const option = new Option(spec.flags, spec.help);
  if (choices !== undefined) option.choices(choices);
  if (parse !== undefined) option.argParser(parserOf(parse));
  if (preset !== undefined) option.default(preset, spec.presetText);
  if (conflicts !== undefined) option.conflicts([...conflicts]);
  if (spec.isRequired === true) option.makeOptionMandatory();
  if (spec.isHidden === true) option.hideHelp();
  return negation === undefined ? [option] : [option, new Option(...negation)];
}

/** A value that is refused is commander's to report, with the option's name. */
function parserOf(parse: NonNullable<Spec<unknown>['parse']>) {
  return (text: string, before: unknown): unknown => {
    try {
      return parse(text, before);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const complaint = new InvalidArgumentError(error.message);
      complaint.cause = error;
      throw complaint;
    }
  };
}
