// `trace-cmd report` prints the events of several tracing instances into one text, each line with the
// instance's name before it (`inst1: `). One of them is read: the one that was asked for, or the
// only one with kmem events.

import { UsageError } from '../../base/errors.ts';
import type { TraceInput } from '../format.ts';

const TOP = 'top';

export class InstanceChoice {
  private readonly input: TraceInput;
  private chosen: string | undefined;
  private readonly seen = new Set<string>();
  private readonly withKmem = new Set<string>();
  /** The instance of the next line, which does not name its own. */
  private inherited = '';

  constructor(input: TraceInput) {
    this.input = input;
    this.chosen = input.buffer;
  }

  /** True once it is settled whose lines are read. */
  get isChosen(): boolean {
    return this.chosen !== undefined;
  }

  /**
   * Whether a line of an instance ('' for the top one) is to be read.
   * @param isKmem true for an event about slab memory
   * @throws UsageError where a second instance has such events and none was asked for
   */
  wants(instance: string, isKmem: boolean): boolean {
    const name = instance || this.inherited || TOP;
    this.inherited = '';
    this.seen.add(name);
    if (isKmem) {
      this.withKmem.add(name);
      this.chosen ??= name;
      if (this.input.buffer === undefined && name !== this.chosen) {
        throw new UsageError(
          `${this.input.path}: several buffers hold events: ${[...this.withKmem].join(', ')}`,
          { hint: 'Choose one with --buffer NAME.' },
        );
      }
    }
    return this.chosen === undefined || name === this.chosen;
  }

  /** trace-cmd prints the name before a line about lost events, and not before the event behind it. */
  inherit(instance: string): void {
    this.inherited = instance;
  }

  /** @throws UsageError where the buffer that was asked for is not there */
  finish(): void {
    const { buffer, path } = this.input;
    if (buffer === undefined || buffer === TOP || this.seen.has(buffer)) return;
    const list = this.seen.size === 0 ? TOP : [...this.seen].join(', ');
    throw new UsageError(`${path}: there is no buffer "${buffer}"`, {
      hint: `Its buffers: ${list}.`,
    });
  }
}
