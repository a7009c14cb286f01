import { expect, test } from 'vitest';
import { type TimedStream, TimeOrder } from '../../../../src/ingest/events/time-order.ts';

class Times implements TimedStream {
  runs = 0;
  private at = 0;
  private readonly name: string;
  private readonly times: readonly number[];
  private readonly out: string[];

  constructor(name: string, times: readonly number[], out: string[]) {
    this.name = name;
    this.times = times;
    this.out = out;
  }

  get ts(): number {
    return this.times[this.at] ?? Number.NaN;
  }

  run(bound: number, inclusive: boolean): boolean {
    this.runs++;
    do {
      this.out.push(`${this.name}${this.ts}`);
      this.at++;
    } while (this.at < this.times.length && (this.ts < bound || (inclusive && this.ts === bound)));
    return this.at < this.times.length;
  }
}

function merge(...streams: readonly (readonly number[])[]): { out: string[]; runs: number } {
  const out: string[] = [];
  const timed = streams.map((times, i) => new Times('abcdefgh'.charAt(i), times, out));
  const order = new TimeOrder(timed);
  while (order.step());
  return { out, runs: timed.reduce((sum, s) => sum + s.runs, 0) };
}

test('events of several streams in the order of their times', () => {
  expect(merge([1, 4, 9], [2, 3, 10], [5]).out).toEqual('a1 b2 b3 a4 c5 a9 b10'.split(' '));
});

test('of equal times the stream that was given first comes first', () => {
  expect(merge([5, 5, 7], [5, 6], [5]).out).toEqual('a5 a5 b5 c5 b6 a7'.split(' '));
  expect(merge([6], [5, 6], [5, 6]).out).toEqual('b5 c5 a6 b6 c6'.split(' '));
});

test('a stream runs on as long as no other is earlier', () => {
  const a = Array.from({ length: 100 }, (_, i) => i);
  expect(merge(a, [1000]).runs).toBe(2);
  expect(merge([1000], a).runs).toBe(2);
  expect(merge(a).runs).toBe(1);
});

test('a step back inside a stream stays where it is', () => {
  expect(merge([1, 9, 3], [2, 4]).out).toEqual('a1 b2 b4 a9 a3'.split(' '));
});

test('no streams', () => {
  expect(merge()).toEqual({ out: [], runs: 0 });
});
