import { describe, expect, test } from 'vitest';
import { VERDICT } from '../../../../src/run/verdicts/live-verdicts.ts';
import { kernelFacts, knownCache, type ResolveOptions, resolve } from '../../../helpers/tracked.ts';

/** The caches of what is still there, of what the events hold live. */
function held(lines: string, options: ResolveOptions = {}): (string | undefined)[] {
  return resolve(lines, options)
    .objects.filter(([, verdict]) => verdict !== VERDICT.gone)
    .map(([cache]) => cache);
}

/** Epitems (128 bytes) whose memory became maple nodes (256 bytes) without an event. */
const STALE = `
  @1000 alloc x A 128 by=do_epoll_ctl+0x449
  @1001 alloc x A+256 128 by=do_epoll_ctl+0x449
  @2000 free maple_node A
  @2001 free maple_node A+256
  @3000 alloc x B+128 128 by=do_epoll_ctl+0x449
  @3001 alloc x B+384 128 by=do_epoll_ctl+0x449
  @3002 alloc x B+512 128 by=alloc_pid+0x5a
  @4000 free pid B+512`;

describe('a free that names a cache of another stride', () => {
  const OWN = `
    alloc x C 256 by=mas_alloc_nodes+0x71
    free maple_node C`;

  test('is not that of the object: its site keeps its own cache', () => {
    const { run, objects, call } = resolve(`${OWN}${STALE}`);
    expect(objects.map(([cache]) => cache)).toEqual(['pid', 'pid']);
    expect(run.names.ofCall[call('do_epoll_ctl+0x449')]).toBe('pid');
    expect(run.names.ofCall[call('mas_alloc_nodes+0x71')]).toBe('maple_node');
  });

  test('marks the site: its objects were freed without an event', () => {
    const { run } = resolve(`${OWN}${STALE}`);
    expect([...run.verdicts.marked.values()]).toEqual([2]);
  });

  test('is known by the recorded stride where the trace has no object of that cache', () => {
    const caches = [knownCache('maple_node', 256), knownCache('pid', 128)];
    const { objects } = resolve(STALE, { facts: kernelFacts({ caches }) });
    expect(objects.map(([cache]) => cache)).toEqual(['pid', 'pid']);
  });

  test('comes first or last alike', () => {
    const { objects } = resolve(`${STALE}${OWN}`);
    expect(objects.map(([cache]) => cache)).toEqual(['pid', 'pid']);
  });
});

describe('an object on a page that a free named later', () => {
  test('is gone where the cache has another stride', () => {
    const caches = [knownCache('maple_node', 256), knownCache('pid', 128)];
    const lines = 'alloc x A+128 128 by=f+0x1\nfree maple_node A';
    expect(held(lines, { facts: kernelFacts({ caches }) })).toEqual([]);
  });

  test('is gone where none of the cache can begin', () => {
    // In slabs of two pages the second page begins within an object.
    const caches = [knownCache('big', 768, { order: 1 }), knownCache('other', 1024)];
    const facts = kernelFacts({ caches });
    expect(held('alloc x A+256 768 by=f+0x1\nfree big A+1536', { facts })).toEqual([]);
    expect(held('alloc x A+768 768 by=f+0x1\nfree big A+1536', { facts })).toEqual(['big']);
  });

  test('stays where red zones shift objects in ways that are not known', () => {
    const facts = kernelFacts({ caches: [knownCache('big', 768)], slubDebug: true });
    expect(held('alloc x A+256 768 by=f+0x1\nfree big A+1024', { facts })).toEqual(['big']);
  });
});
