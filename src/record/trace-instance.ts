// A tracefs instance of our own: buffers, events and options that nobody else uses, so that another
// tracer on the machine is not disturbed, and removing it restores everything
// (Documentation/trace/ftrace.rst, "Instances").

import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, InputError, UsageError } from '../base/errors.ts';
import { readIfThere } from './machine-roots.ts';

export interface InstanceSettings {
  /** `system:event` each. */
  readonly events: readonly string[];
  /** Of each CPU. */
  readonly bufferKb: number;
  readonly stacks: boolean;
  /** Tasks to record, with their children; all where there is none. */
  readonly pids: readonly number[];
}

/** Events that a slab recording is made of; not every kernel has all of them. */
const SLAB_EVENTS = [
  'kmem:kmalloc',
  'kmem:kmalloc_node',
  'kmem:kmem_cache_alloc',
  'kmem:kmem_cache_alloc_node',
  'kmem:kfree',
  'kmem:kmem_cache_free',
  'rcu:rcu_invoke_kfree_bulk_callback',
];
const PAGE_EVENTS = ['kmem:mm_page_alloc', 'kmem:mm_page_free'];

/**
 * The events of a recording that this kernel has.
 * @throws InputError where it has no kmem events
 */
export function chooseEvents(tracefs: string, withPages: boolean): string[] {
  const wanted = withPages ? [...SLAB_EVENTS, ...PAGE_EVENTS] : SLAB_EVENTS;
  const found = wanted.filter((event) => hasEvent(tracefs, event));
  if (found.some((event) => event.startsWith('kmem:k'))) return found;
  throw new InputError(`${tracefs}: this kernel has no kmem events`, {
    hint: 'They need CONFIG_TRACEPOINTS and CONFIG_EVENT_TRACING.',
  });
}

/** @throws UsageError where an event is not there */
export function checkEvents(tracefs: string, events: readonly string[]): void {
  for (const event of events) {
    if (!/^[\w-]+:[\w-]+$/.test(event) || !hasEvent(tracefs, event)) {
      throw new UsageError(`--events ${event}: this kernel has no such event`, {
        hint: `${join(tracefs, 'available_events')} lists them, as system:event.`,
      });
    }
  }
}

function hasEvent(tracefs: string, event: string): boolean {
  return existsSync(join(eventFolder(tracefs, event), 'enable'));
}

export function eventFolder(tracefs: string, event: string): string {
  return join(tracefs, 'events', ...event.split(':'));
}

export class TraceInstance {
  readonly folder: string;
  private readonly undo: (() => void)[] = [];

  /** @throws InputError where the instance cannot be made */
  constructor(tracefs: string, name: string, settings: InstanceSettings) {
    this.folder = join(tracefs, 'instances', name);
    try {
      mkdirSync(this.folder);
    } catch (error) {
      const exists = (error as { code?: string }).code === 'EEXIST';
      throw new InputError(`${this.folder}: ${exists ? 'exists already' : describeError(error)}`, {
        cause: error,
        ...(exists
          ? { hint: 'Another recording runs, or ended badly: rmdir it, or use --instance.' }
          : {}),
      });
    }
    this.undo.push(() => rmdirSync(this.folder));
    try {
      this.set('tracing_on', '0');
      this.set('trace_clock', 'global');
      this.set('buffer_size_kb', String(settings.bufferKb));
      if (settings.stacks) this.set('options/stacktrace', '1');
      if (settings.pids.length > 0) this.follow(settings.pids);
      for (const event of settings.events)
        this.set(`events/${event.replace(':', '/')}/enable`, '1');
      // Task names are kept for the whole of tracefs, 128 of them unless told otherwise.
      this.raise(join(tracefs, 'saved_cmdlines_size'), 8192);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  start(): void {
    this.set('tracing_on', '1');
  }

  stop(): void {
    this.set('tracing_on', '0');
  }

  /** Records these tasks and what they fork. */
  follow(pids: readonly number[]): void {
    this.set('set_event_pid', pids.join(' '));
    this.set('options/event-fork', '1');
  }

  /** CPUs that have a buffer. */
  cpus(): number[] {
    return readdirSync(join(this.folder, 'per_cpu'))
      .map((name) => /^cpu(\d+)$/.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  rawPipe(cpu: number): string {
    return join(this.folder, 'per_cpu', `cpu${cpu}`, 'trace_pipe_raw');
  }

  stats(cpu: number): string {
    return readIfThere(join(this.folder, 'per_cpu', `cpu${cpu}`, 'stats')) ?? '';
  }

  /** Puts everything back; what cannot be is passed over, as this runs on every way out. */
  remove(): void {
    for (const step of this.undo.splice(0).reverse()) {
      try {
        step();
      } catch {
        // The kernel removes nothing while a file in it is open; the next step may still work.
      }
    }
  }

  private set(file: string, value: string): void {
    const path = join(this.folder, file);
    try {
      writeFileSync(path, value);
    } catch (error) {
      throw new InputError(`${path}: cannot be set to ${value}: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  private raise(path: string, least: number): void {
    const before = readIfThere(path);
    if (before === undefined || Number(before) >= least) return;
    writeFileSync(path, String(least));
    this.undo.push(() => writeFileSync(path, before));
  }
}
