// Arguments and options as plain data: how they are written, what --help says, what a value becomes.
// `Specs` holds them to the interface that a command's `run` takes, so that neither has what the other
// lacks.

/** One argument (`<source>`) or option (`--top <N>`) with values of type T. */
export interface Spec<T> {
  readonly flags: string;
  readonly help: string;
  /**
   * @param before what the option has so far, where it is repeatable
   * @throws UsageError that says what is expected; the option is named by the runner
   */
  parse?(text: string, before: T | undefined): T;
  readonly choices?: readonly (T & string)[];
  readonly preset?: T;
  /** How --help shows the preset, if not as it is. */
  readonly presetText?: string;
  /** Keys of options that may not be given with it. */
  readonly conflicts?: readonly string[];
  readonly isRequired?: boolean;
  readonly isHidden?: boolean;
  /** The same option as `--no-...`, whose value is false. */
  readonly negation?: readonly [flags: string, help: string];
}

/** One that has a value even where it is not given. */
export interface FilledSpec<T> extends Spec<T> {
  readonly isFilled: true;
}

/** A spec for every value of `Options`; its key is the option's long name in camel case. */
export type Specs<Options> = {
  readonly [K in keyof Options]-?: undefined extends Options[K]
    ? Spec<Exclude<Options[K], undefined>>
    : FilledSpec<Options[K]>;
};

/** An option without a value. */
export function flag(flags: string, help: string): Spec<boolean> {
  return { flags, help };
}

/** `--no-...`: the value is true without it. */
export function negatedFlag(flags: string, help: string): FilledSpec<boolean> {
  return { flags, help, isFilled: true };
}

export function text(flags: string, help: string): Spec<string> {
  return { flags, help };
}

export function parsed<T>(flags: string, help: string, parse: (text: string) => T): Spec<T> {
  return { flags, help, parse };
}

export function choice<T extends string>(
  flags: string,
  help: string,
  choices: readonly T[],
): Spec<T> {
  return { flags, help, choices: choices as readonly (T & string)[] };
}

/** A repeatable option; one value of it may hold several items. */
export function listOf<T>(
  flags: string,
  help: string,
  parse: (text: string) => readonly T[],
): FilledSpec<readonly T[]> {
  return {
    flags,
    help,
    parse: (value, before = []) => [...before, ...parse(value)],
    preset: [],
    isFilled: true,
  };
}

/** A repeatable option. */
export function list(flags: string, help: string): FilledSpec<readonly string[]> {
  return listOf(flags, help, (value) => [value]);
}

/** @param presetText how --help shows the preset, if not as it is */
export function withPreset<T>(spec: Spec<T>, preset: T, presetText?: string): FilledSpec<T> {
  return { ...spec, preset, isFilled: true, ...(presetText === undefined ? {} : { presetText }) };
}

/** Wrong use where it is not given. */
export function required<T>(spec: Spec<T>): FilledSpec<T> {
  return { ...spec, isRequired: true, isFilled: true };
}

/** An argument that has to be given. */
export function argument(flags: string): FilledSpec<string> {
  return { flags, help: '', isFilled: true };
}
