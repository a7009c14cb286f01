// The commands, in the order in which help lists them. Each is loaded only where it is asked for.

import type { Command } from '../commands/shared/command.ts';

/** What is done with a command, whatever its options and its result are. */
type Use<T> = <Options, Result>(command: Command<Options, Result>) => T;

/** Loads a command and hands it to `use`. */
type Load = <T>(use: Use<T>) => Promise<T>;

export const COMMANDS: Readonly<Record<string, Load>> = {
  analyze: async (use) => use((await import('../commands/analyze/command.ts')).analyze),
  ingest: async (use) => use((await import('../commands/ingest/command.ts')).ingest),
  frag: async (use) => use((await import('../commands/frag/command.ts')).frag),
  rates: async (use) => use((await import('../commands/rates/command.ts')).rates),
  lint: async (use) => use((await import('../commands/lint/command.ts')).lint),
  record: async (use) => use((await import('../commands/record/command.ts')).recordCommand),
  history: async (use) => use((await import('../commands/history/command.ts')).history),
  slabinfo: async (use) => use((await import('../commands/slabinfo/command.ts')).slabinfo),
  perfkmem: async (use) => use((await import('../commands/perfkmem/command.ts')).perfkmem),
  replay: async (use) => use((await import('../commands/replay/command.ts')).replay),
  report: async (use) => use((await import('../commands/report/command.ts')).report),
  leaks: async (use) => use((await import('../commands/leaks/command.ts')).leaks),
  validate: async (use) => use((await import('../commands/validate/command.ts')).validate),
  sql: async (use) => use((await import('../commands/sql/command.ts')).sql),
  compare: async (use) => use((await import('../commands/compare/command.ts')).compare),
  export: async (use) => use((await import('../commands/export/command.ts')).exportCommand),
  formats: async (use) => use((await import('../commands/formats/command.ts')).formats),
};

/** The command of that name; undefined where there is none. */
export function commandNamed(name: string): Load | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}
