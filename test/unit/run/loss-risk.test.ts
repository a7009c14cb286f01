import { describe, expect, test } from 'vitest';
import { TraceStats } from '../../../src/kernel/events/trace-stats.ts';
import { resolveRun } from '../../../src/run/resolved-run.ts';
import { VERDICT } from '../../../src/run/verdicts/live-verdicts.ts';
import {
  kernelFacts,
  knownCache,
  type ResolveOptions,
  resolve,
  track,
} from '../../helpers/tracked.ts';

const SECOND = 1e9;

/** A fifth of the events was lost, as the tracer counted. */
function lossy(events: number): TraceStats {
  const stats = new TraceStats();
  stats.add('lost_events', Math.round(events / 4), '');
  return stats;
}

/** Counts the verdicts of what is held of a site. */
function verdictsAt(
  site: string,
  lines: string,
  options: ResolveOptions = {},
): Record<string, number> {
  const stats = lossy(lines.trim().split('\n').length);
  const { run, call } = resolve(`@0 free Z\n${lines}`, { stats, ...options });
  const counts: Record<string, number> = {};
  for (const [name, verdict] of Object.entries(VERDICT)) {
    const count = [...run.live.inUse()].filter(
      (row) => run.live.call(row) === call(`${site}+0x1`) && run.verdicts.ofRow[row] === verdict,
    ).length;
    if (count > 0) counts[name] = count;
  }
  return counts;
}

/** Objects of a site, one each millisecond from a time on; each has a page of its own. */
function allocs(site: string, count: number, from = 0): string {
  return Array.from(
    { length: count },
    (_, i) => `@${from + i * 1e6} alloc kmalloc-64 ${site}${i} by=${site}+0x1`,
  ).join('\n');
}
function frees(site: string, count: number, from: number): string {
  return Array.from({ length: count }, (_, i) => `@${from + i * 1e6} free ${site}${i}`).join('\n');
}
const LOSS = `@${10 * SECOND} lost 100`;
const END = `@${12 * SECOND} free NULL`;

describe('of objects that were held when events were lost', () => {
  test('those of a site that never frees are certain', () => {
    expect(verdictsAt('f', `${allocs('f', 300)}\n${LOSS}\n${END}`)).toEqual({ certain: 300 });
  });

  test('but not where there are too few to tell', () => {
    expect(verdictsAt('f', `${allocs('f', 20)}\n${LOSS}\n${END}`)).toEqual({ eventsLost: 20 });
  });

  test('those of a site that frees at that age are uncertain', () => {
    const lines = `${allocs('f', 400)}\n${LOSS}\n${frees('f', 40, 11 * SECOND)}\n${END}`;
    expect(verdictsAt('f', lines)).toEqual({ eventsLost: 360 });
  });

  test('those that had outgrown the age at which their site frees are certain', () => {
    const lines = `${allocs('f', 400)}\n${frees('f', 40, 0.5 * SECOND)}\n@${5 * SECOND} free NULL\n${LOSS}\n${END}`;
    expect(verdictsAt('f', lines)).toEqual({ certain: 360 });
  });

  test('none is certain where the kernel had fewer objects of the cache at the end', () => {
    const caches = [knownCache('kmalloc-64', 64, { slabs: 300, activeObjects: 250 })];
    const lines = `${allocs('f', 300)}\n${LOSS}\n${END}`;
    const facts = kernelFacts({ caches });
    expect(verdictsAt('f', lines, { facts })).toEqual({ eventsLost: 300 });
  });

  test('those on more slabs than the kernel had are gone', () => {
    const caches = [knownCache('kmalloc-64', 64, { slabs: 100, activeObjects: 100 })];
    const facts = kernelFacts({ caches });
    const lines = `${allocs('f', 300)}\n${LOSS}\n${END}`;
    expect(verdictsAt('f', lines, { facts })).toEqual({ gone: 200, eventsLost: 100 });
  });
});

test('what the kernel counted at the end is no bound for an earlier moment', () => {
  const caches = [knownCache('kmalloc-64', 64, { slabs: 100, activeObjects: 100 })];
  const facts = kernelFacts({ caches });
  const { trace, tracker, info } = track(`@0 free Z\n${allocs('f', 300)}\n${LOSS}\n${END}`);
  const stats = lossy(trace.events.length);
  const run = resolveRun({ tracker, info, stats, facts, symbols: undefined, isCut: true });
  expect(run.listed.length).toBe(300);
});

describe('an allocation on an object that was held across a loss', () => {
  test('marks the site where the lost share does not explain it', () => {
    const again = Array.from(
      { length: 10 },
      (_, i) => `@${11 * SECOND + i} alloc kmalloc-64 f${i} by=g+0x1`,
    ).join('\n');
    const marks = (lines: string): number =>
      resolve(lines, { stats: lossy(lines.split('\n').length) }).run.verdicts.marked.size;
    expect(marks(`${allocs('f', 300)}\n${LOSS}\n${again}\n@${12 * SECOND} free X`)).toBe(1);
    const freed = Array.from({ length: 200 }, (_, i) => `@${9 * SECOND + i} free f${i + 20}`);
    expect(
      marks(`${allocs('f', 300)}\n${freed.join('\n')}\n${LOSS}\n${again}\n@${12 * SECOND} free X`),
    ).toBe(0);
  });
});

test('before frees were switched on, objects of a site that frees soon are gone', () => {
  const churn = Array.from({ length: 100 }, (_, i) => {
    const at = 20 * SECOND + i * 0.3 * SECOND;
    return `@${at} alloc kmalloc-64 n${i} by=f+0x1\n@${at + 1e6} free n${i}`;
  }).join('\n');
  const on = frees('X', 60, 10 * SECOND).replaceAll('free X', 'free Y');
  const lines = `${allocs('f', 5)}\n${on}\n${churn}`;
  const { run } = resolve(lines, { facts: kernelFacts({}) });
  expect(run.lateEvents.has('kfree')).toBe(true);
  expect(run.listed.length).toBe(0);
});
