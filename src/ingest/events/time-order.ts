// Streams that are each in time order, merged into one: the events of several CPUs. Stable: of equal
// times the stream that was given first comes first (the kernel orders CPUs the same way in `trace`).
// A stream is run as long as its events stand before every other stream's, so long runs cost little.

export interface TimedStream {
  /** Time of the event that would come next; only valid while there is one. */
  readonly ts: number;
  /**
   * Passes on its next event, and those after it up to the time `bound` (events at `bound` itself
   * only where `inclusive`), or fewer. Returns false when it has no more.
   */
  run(bound: number, inclusive: boolean): boolean;
}

/** Merges streams that all have at least one event. */
export class TimeOrder {
  /** A binary heap of the indexes of `streams`, earliest first. */
  private readonly heap: number[] = [];
  private readonly streams: readonly TimedStream[];

  constructor(streams: readonly TimedStream[]) {
    this.streams = streams;
    for (let i = 0; i < streams.length; i++) this.heap.push(i);
    for (let i = (streams.length >> 1) - 1; i >= 0; i--) this.siftDown(i);
  }

  /** Runs the earliest stream up to the next one; returns false when all are done. */
  step(): boolean {
    const { heap, streams } = this;
    const first = heap[0];
    if (first === undefined) return false;
    let next = heap[1];
    const other = heap[2];
    if (next !== undefined && other !== undefined && this.before(other, next)) next = other;
    const more =
      next === undefined
        ? streams[first]!.run(Infinity, true)
        : streams[first]!.run(streams[next]!.ts, first < next);
    if (!more) {
      const last = heap.pop();
      if (heap.length > 0 && last !== undefined) heap[0] = last;
    }
    this.siftDown(0);
    return heap.length > 0;
  }

  private before(a: number, b: number): boolean {
    const ta = this.streams[a]!.ts;
    const tb = this.streams[b]!.ts;
    return ta < tb || (ta === tb && a < b);
  }

  private siftDown(from: number): void {
    const { heap } = this;
    let at = from;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const child = right < heap.length && this.before(heap[right]!, heap[left]!) ? right : left;
      if (!this.before(heap[child]!, heap[at]!)) return;
      const moved = heap[at]!;
      heap[at] = heap[child]!;
      heap[child] = moved;
      at = child;
    }
  }
}
