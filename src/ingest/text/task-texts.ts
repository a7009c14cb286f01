// The bytes of a line that name its task (`          <idle>-0       `, with everything that stands
// around it: blanks, a quote mark, the tgid, an instance) → index of the task, each text read once.

import { ByteTable } from '../../base/byte-table.ts';
import { ensureLength } from '../../base/growable.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { TaskStyle } from './line-prefix.ts';

/** Names are cut to this in the latency forms (`%8.8s`). */
const CUT_LENGTH = 8;

// `(      1) ` or `(-------) ` behind the pid: record-tgid
const TGID = /\s*\(\s*(?:\d+|-+)\)$/;
const INSTANCE = /^[^\s:]+:\s+/;
const QUOTE = /^(?:[>|] ?)+/;

/** `<idle>`, as a page of HTML has it. */
function unescaped(name: string): string {
  if (!name.includes('&')) return name;
  return name.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

export class TaskTexts {
  private readonly keys = new ByteTable();
  /** Task by key: its index + 1, 0 where it was not asked for yet. */
  private tasks: Uint32Array = new Uint32Array(256);
  private readonly dictionary: Dictionary;
  private readonly style: TaskStyle;
  private readonly instances: boolean;
  private readonly savedNames: ReadonlyMap<number, string>;

  /** @param savedNames names by pid, to complete those that the latency form has cut */
  constructor(
    dictionary: Dictionary,
    style: TaskStyle,
    instances: boolean,
    savedNames: ReadonlyMap<number, string>,
  ) {
    this.dictionary = dictionary;
    this.style = style;
    this.instances = instances;
    this.savedNames = savedNames;
  }

  /** The key of a text that was met before, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    return this.keys.find(bytes, from, to);
  }

  /** The key of a text. */
  key(bytes: Uint8Array, from: number, to: number): number {
    const key = this.keys.intern(bytes, from, to);
    this.tasks = ensureLength(this.tasks, key + 1);
    return key;
  }

  /** The task that a key names; 0 where it names none. */
  task(key: number): number {
    const known = this.tasks[key] ?? 0;
    if (known !== 0) return known - 1;
    const task = this.parse(Buffer.from(this.keys.get(key)).toString('utf8'));
    this.tasks[key] = task + 1;
    return task;
  }

  private parse(text: string): number {
    let name = text.replace(QUOTE, '');
    if (this.instances) name = name.replace(INSTANCE, '');
    name = unescaped(name.trim().replace(TGID, ''));
    const match =
      this.style === 'dash'
        ? /^(.*)-(\d+)$/s.exec(name)
        : /^(?:(.*?)\s+)?(?:\d+\/)?(\d+)$/s.exec(name);
    const pid = Number(match?.[2] ?? Number.NaN);
    // perf script -F comm: a name without a pid says too little
    if (match === null || pid > 0x7fffffff) return 0;
    return this.dictionary.tasks.intern(
      pid,
      this.dictionary.strings.intern(this.whole(match, pid)),
    );
  }

  private whole(match: RegExpExecArray, pid: number): string {
    const name = match[1] ?? '';
    const saved = this.savedNames.get(pid);
    return name.length === CUT_LENGTH && saved?.startsWith(name) ? saved : name;
  }
}
