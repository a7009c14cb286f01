// First words of events (`kmalloc:`, `sched_switch:`) → what reads them, found by their bytes.

import { ByteTable } from '../../base/byte-table.ts';
import type { LineHandler } from './event-line.ts';

/** Words of other events that are remembered; a kernel has some thousand events. */
const MAX_WORDS = 1 << 16;

export class EventNames {
  private readonly handlers: ReadonlyMap<string, LineHandler>;
  private readonly words = new ByteTable();
  private readonly byWord: (LineHandler | undefined)[] = [undefined];

  /** @param handlers by name, without the colon */
  constructor(handlers: ReadonlyMap<string, LineHandler>) {
    this.handlers = handlers;
  }

  handler(name: string): LineHandler | undefined {
    return this.handlers.get(name);
  }

  /** Remembers the word in bytes [from, to). */
  learn(bytes: Uint8Array, from: number, to: number, handler: LineHandler | undefined): void {
    if (this.words.length < MAX_WORDS) this.byWord[this.words.intern(bytes, from, to)] = handler;
  }

  /** The number of a word that was learned, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    return this.words.find(bytes, from, to);
  }

  /** The handler of such a number; undefined: an event that is passed over. */
  at(word: number): LineHandler | undefined {
    return this.byWord[word];
  }
}
