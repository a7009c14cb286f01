// The folder that `perf record --threads` writes: `data` has the descriptions and what perf says of the
// machine, `data.0`, `data.1` … have the records of the CPUs (tools/perf/util/data.c, perf_data__open_dir()).
// Each is a stream of its own; they are read side by side, so that rows wait for each other only shortly.

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EventsSeen, TraceReader } from '../format.ts';
import type { RecordReader } from './record-reader.ts';
import type { PerfSession } from './session.ts';

const PART = /^data\.(\d+)$/;

/** The files with the records of a folder's `data`, in the order of their numbers. */
export function partsOf(path: string): string[] {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((name) => PART.test(name))
    .sort((a, b) => Number(PART.exec(a)?.[1]) - Number(PART.exec(b)?.[1]))
    .map((name) => join(folder, name));
}

export class FolderReader implements TraceReader {
  private readonly session: PerfSession;
  private readonly head: RecordReader;
  private readonly parts: readonly RecordReader[];
  private unread: RecordReader[];
  private headIsRead = false;
  private isFinished = false;

  /** @param head reads `data`, before all others */
  constructor(session: PerfSession, head: RecordReader, parts: readonly RecordReader[]) {
    this.session = session;
    this.head = head;
    this.parts = parts;
    this.unread = [...parts];
  }

  async step(): Promise<boolean> {
    const { queue } = this.session;
    if (!this.headIsRead) this.headIsRead = !(await this.head.step());
    else if (queue.isFlushing) queue.step();
    else if (this.unread.length > 0) await this.stepPart();
    else if (this.isFinished) return false;
    else {
      this.isFinished = true;
      this.session.finish();
    }
    return true;
  }

  /** Reads on in the file of which least was read. */
  private async stepPart(): Promise<void> {
    const next = this.unread.reduce((a, b) => (b.progress() < a.progress() ? b : a));
    if (!(await next.step())) this.unread = this.unread.filter((part) => part !== next);
  }

  progress(): number {
    const { parts } = this;
    return parts.reduce((sum, part) => sum + part.progress(), 0) / Math.max(parts.length, 1);
  }

  seen(): EventsSeen {
    return this.session.seen();
  }

  close(): void {
    for (const reader of [this.head, ...this.parts]) reader.close();
  }
}
