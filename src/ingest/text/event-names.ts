// First words of events (`kmalloc:`, `sched_switch:`) → what reads them, found by their bytes.

import { ByteTable } from '../../base/byte-table.ts';
import type { LineHandler } from './event-line.ts';

/** Words of other events that are remembered; a kernel has some thousand events. */
const MAX_WORDS = 1 << 16;

export class EventNames {
  private readonly handlers: ReadonlyMap<string, LineHandler>;
  private readonly words = new ByteTable();
  private readonly byWord: (LineHandler | undefined)[] = [undefined];
  /** Events that were passed over: by word, and by name where no word was found. */
  private readonly othersOfWord: number[] = [];
  private readonly othersOfName = new Map<string, number>();

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

  /** Counts an event that is passed over. @param word as `find` gave it */
  countWord(word: number): void {
    this.othersOfWord[word] = (this.othersOfWord[word] ?? 0) + 1;
  }

  /** The same for one that was read with care. @param name without the colon */
  countName(name: string): void {
    const count = this.othersOfName.get(name);
    if (count !== undefined) this.othersOfName.set(name, count + 1);
    else if (this.othersOfName.size < MAX_WORDS) this.othersOfName.set(name, 1);
  }

  /** The events that were passed over, by name. */
  others(): Map<string, number> {
    const counts = new Map(this.othersOfName);
    this.othersOfWord.forEach((count, word) => {
      const name = Buffer.from(this.words.get(word)).toString('utf8').replace(/:$/, '');
      counts.set(name, (counts.get(name) ?? 0) + count);
    });
    return counts;
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
