// A run is opened once: trackers come back under their names, files beside it are read once.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EventBatch } from '../../../src/kernel/events/event-batch.ts';
import { observeRun, replayBasis } from '../../../src/run/observe-run.ts';
import { openRun } from '../../../src/run/open-run.ts';
import { openSource } from '../../../src/run/source.ts';
import { testFolder } from '../../helpers/stored.ts';

const HEAD = 'ts,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc\n';
const EVENTS = `${HEAD}1.0,0,1,a,kmalloc,0xffff888003a40000,f+0x1,56,64
1.5,0,1,a,kfree,0xffff888003a40000,g+0x1,,
2.0,1,1,a,kmalloc,0xffff888003a40040,f+0x1,56,64
`;

/** A folder with these events and a file beside them. */
function recordingWith(events: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'trace.csv'), events);
  writeFileSync(join(folder, 'uname.txt'), 'Linux host 6.1.0 #1 SMP x86_64\n');
  return folder;
}

class Counter {
  events = 0;
  add(batch: EventBatch): void {
    this.events += batch.length;
  }
}

test('trackers come back under their names', async () => {
  const { trackers } = await openRun(
    { source: recordingWith(EVENTS) },
    {
      trackers: {
        counter: () => new Counter(),
        names: (dictionary, info) => ({ add: () => undefined, dictionary, format: info.format }),
        absent: undefined,
      },
    },
  );
  expect(trackers.counter.events).toBe(3);
  expect(trackers.names.format).toBe('csv');
  expect(trackers.names.dictionary.calls.length).toBe(3);
  expect(trackers.absent).toBeUndefined();
});

test('trackers of a trace without events', async () => {
  const source = recordingWith(HEAD);
  const { run, trackers } = await openRun(
    { source },
    { trackers: { counter: () => new Counter() }, replay: {} },
  );
  expect(trackers.counter.events).toBe(0);
  expect(run.tallies.firstTs).toBeNaN();
});

test('files beside the events are read once', async () => {
  const folder = recordingWith(EVENTS);
  const { sidecars } = await openSource({ source: folder });
  const content = sidecars.bytes('uname.txt');
  expect(content?.toString()).toContain('6.1.0');
  expect(sidecars.bytes('uname.txt')).toBe(content);
  const opened = await openRun({ source: folder });
  rmSync(join(folder, 'uname.txt'));
  expect(opened.run.facts.release).toBe('6.1.0');
  expect(opened.sidecars.text('uname.txt')).toContain('6.1.0');
});

test('a replay is prepared where it is asked for and can be', async () => {
  const source = recordingWith(EVENTS);
  expect((await openRun({ source })).replay).toBeUndefined();
  const opened = await openRun({ source }, { replay: {} });
  const { slub } = await observeRun(opened, replayBasis(opened));
  expect(slub.caches.map(({ plan }) => plan.name)).toContain('kmalloc-64');
});

test('hashed pointers have no place in a slab', async () => {
  const lines = [0, 1].map(
    (i) =>
      ` a-1 [000] .... 1.00000${i}: kmalloc: call_site=f+0x1/0x10 ptr=00000000abcd123${i} bytes_req=56 bytes_alloc=64 gfp_flags=GFP_KERNEL\n`,
  );
  const folder = testFolder();
  const source = join(folder, 'trace.txt');
  writeFileSync(source, lines.join(''));
  const opened = await openRun({ source }, { replay: {} });
  expect(opened.run.info.hashedPointers).toBe(true);
  expect(opened.replay).toBeUndefined();
  expect(() => replayBasis(opened)).toThrow('its pointers are hashed');
});
