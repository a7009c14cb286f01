// A tracefs instance of our own: buffers, events and options that no one else uses, so that another
// tracer on the machine is not disturbed, and removing it restores everything
// (Documentation/trace/ftrace.rst, "Instances").

import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, errnoOf, InputError, UsageError } from '../../base/errors.ts';
import { readIfThere } from './machine-roots.ts';
import type { UndoSteps } from './undo-steps.ts';

export interface InstanceSettings {
  readonly name: string;
  /** `system:event` each. */
  readonly events: readonly string[];
  /** Of each CPU. */
  readonly bufferKb: number;
  readonly stacks: boolean;
}

/** Task names are kept for the whole of tracefs; changing how many forgets those there are. */
const TASK_NAMES = 4096;

export class TraceInstance {
  readonly folder: string;

  /**
   * Makes it and sets everything but what starts it.
   * @throws UsageError for a bad name; InputError where the instance cannot be made
   */
  constructor(tracefs: string, settings: InstanceSettings, undo: UndoSteps) {
    const { name } = settings;
    if (!/^[\w-][\w.-]*$/.test(name)) {
      throw new UsageError(`--instance ${name}: letters, digits, - and _ make a name`);
    }
    this.folder = join(tracefs, 'instances', name);
    this.make();
    undo.add(() => this.remove());
    this.set('tracing_on', '0');
    this.set('trace_clock', 'global');
    this.set('buffer_size_kb', String(settings.bufferKb));
    // A new instance has the options of the whole tracer, wherever those were left.
    this.set('options/overwrite', '1');
    this.set('options/stacktrace', settings.stacks ? '1' : '0');
    for (const event of settings.events) this.set(`events/${event.replace(':', '/')}/enable`, '1');
    keepTaskNames(join(tracefs, 'saved_cmdlines_size'), undo);
  }

  start(): void {
    this.set('tracing_on', '1');
  }

  stop(): void {
    this.set('tracing_on', '0');
  }

  /** Records these tasks, and what they fork, and no others. */
  follow(tasks: readonly number[]): void {
    this.set('options/event-fork', '1');
    this.set('set_event_pid', tasks.join(' '));
  }

  private make(): void {
    try {
      mkdirSync(this.folder);
    } catch (error) {
      const hint = {
        EEXIST: 'Another recording runs, or ended badly: rmdir it, or use --instance.',
        EACCES: 'Run it with sudo.',
      }[errnoOf(error) ?? ''];
      const why = errnoOf(error) === 'EEXIST' ? 'exists already' : describeError(error);
      throw new InputError(`${this.folder}: ${why}`, { cause: error, ...(hint && { hint }) });
    }
  }

  private remove(): void {
    try {
      rmdirSync(this.folder);
    } catch (error) {
      // The kernel keeps an instance while any of its files is open.
      throw new InputError(
        `${this.folder}: cannot be removed: ${describeError(error)}; rmdir it when nobody reads it`,
        { cause: error },
      );
    }
  }

  private set(file: string, value: string): void {
    const path = join(this.folder, file);
    try {
      writeFileSync(path, `${value}\n`);
    } catch (error) {
      const isMemory = errnoOf(error) === 'ENOMEM';
      throw new InputError(`${path}: cannot be set to ${value}: ${describeError(error)}`, {
        cause: error,
        ...(isMemory && { hint: 'Every CPU has such a buffer: try a smaller --buffer.' }),
      });
    }
  }
}

function keepTaskNames(path: string, undo: UndoSteps): void {
  const before = readIfThere(path);
  if (before === undefined || Number(before) >= TASK_NAMES) return;
  writeFileSync(path, `${TASK_NAMES}\n`);
  undo.add(() => writeFileSync(path, before));
}

/** The CPUs that a tracer has files of: all that the machine may ever have. */
export function cpusOf(tracer: string): number[] {
  return readdirSync(join(tracer, 'per_cpu'))
    .map((name) => /^cpu(\d+)$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** A file of one CPU. */
export function cpuFile(tracer: string, cpu: number, name: string): string {
  return join(tracer, 'per_cpu', `cpu${cpu}`, name);
}
