// A real recording's events as Perfetto writes them: bundles of some hundred events of one CPU, round
// after round, the names of tasks in a ProcessTree. What its messages have no field for is left out:
// the cache of a free, the node of a kmalloc, the interrupt state, stacks.

import { alloc, bundle, encode, event, free, type Message, systemInfo } from './perfetto-file.ts';
import type { PlainEvent, TraceRead } from './read-trace.ts';

const NUMBERS: Readonly<Record<string, number>> = {
  kfree: 298,
  kmalloc: 299,
  kmem_cache_alloc: 301,
  kmem_cache_free: 303,
};
const BUNDLE_EVENTS = 300;
const BULK_CALLBACK = 700;
const BULK_DESCRIPTOR: Message = [
  [1, BULK_CALLBACK],
  [
    2,
    [
      [1, 'rcu_invoke_kfree_bulk_callback'],
      [
        2,
        [
          [1, 'nr_records'],
          [3, 1],
        ],
      ],
    ],
  ],
];

/** @param site the number that stands for its function */
function messageOf(e: PlainEvent, site: bigint): Message {
  const pid = e.pid ?? 0;
  switch (e.event) {
    case 'kfree':
    case 'kmem_cache_free':
      return free(e.ns, pid, NUMBERS[e.event] ?? 0, e.ptr, site);
    case 'rcu_invoke_kfree_bulk_callback':
      return event(e.ns, pid, BULK_CALLBACK, [[1, e.bytesReq]]);
    default:
      return alloc(e.ns, pid, NUMBERS[e.event] ?? 0, e.ptr, {
        req: e.bytesReq,
        alloc: e.bytesAlloc,
        site,
        gfp: e.gfp ?? 0,
      });
  }
}

/** True for events that Perfetto can hold. */
export function isHeld(e: PlainEvent): boolean {
  return Object.hasOwn(NUMBERS, e.event) || e.event === 'rcu_invoke_kfree_bulk_callback';
}

export function perfettoOf(trace: TraceRead): Buffer {
  const { info } = trace;
  const names = new Map<number, string>();
  const cpus: Message[][] = [];
  const packets: Buffer[] = [];
  const write = (packet: Message): number => packets.push(encode([[1, packet]]));
  write(systemInfo(info.kernelRelease ?? '', 'x86_64'));
  /** Numbers of functions, and those that no packet has told yet. */
  const sites = new Map<string, number>();
  let untold: Message = [];
  const siteOf = (name: string): bigint => {
    const known = sites.get(name) ?? sites.size + 1;
    if (!sites.has(name)) {
      untold = [
        ...untold,
        [
          26,
          [
            [1, known],
            [2, name],
          ],
        ],
      ];
    }
    sites.set(name, known);
    return name === '' ? 0n : BigInt(known);
  };
  const flush = (cpu: number): void => {
    const events = cpus[cpu] ?? [];
    if (events.length > 0) {
      write(bundle(cpu, events, { fields: [[11, BULK_DESCRIPTOR]], packet: [[12, untold]] }));
      untold = [];
    }
    cpus[cpu] = [];
  };
  for (let i = 0; i < trace.count; i++) {
    const e = trace.event(i);
    if (!isHeld(e)) continue;
    if (e.pid !== null && e.pid > 0) names.set(e.pid, e.comm);
    const events = cpus[e.cpu] ?? [];
    cpus[e.cpu] = events;
    events.push(messageOf(e, siteOf(e.site)));
    if (events.length >= BUNDLE_EVENTS) flush(e.cpu);
  }
  for (let cpu = 0; cpu < cpus.length; cpu++) flush(cpu);
  write([
    [
      2,
      Array.from(names, ([pid, name]): readonly [number, Message] => [
        2,
        [
          [1, pid],
          [2, name],
        ],
      ]),
    ],
  ]);
  return Buffer.concat(packets);
}
