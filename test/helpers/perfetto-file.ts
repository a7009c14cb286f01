// Writes traces of Perfetto by the numbers that its .proto files give fields (protos/perfetto/trace):
// a message is a list of fields, in any order, so that a test can leave out, repeat and misplace them.

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

type Value = number | bigint | string | Uint8Array | Message;
/** Fields by number. */
export type Message = readonly (readonly [field: number, value: Value])[];

export function encode(message: Message): Buffer {
  const writer = new BinaryWriter();
  for (const [field, value] of message) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      writer.tag(field, WireType.Varint).uint64(BigInt.asUintN(64, BigInt(value)));
    } else {
      writer.tag(field, WireType.LengthDelimited);
      if (typeof value === 'string') writer.string(value);
      else writer.bytes(value instanceof Uint8Array ? value : encode(value));
    }
  }
  return Buffer.from(writer.finish());
}

/** A trace of packets. */
export function perfettoFile(packets: readonly Message[]): Buffer {
  return encode(packets.map((packet) => [1, packet] as const));
}

/** FtraceEventBundle of a CPU, in a packet. */
export function bundle(
  cpu: number,
  events: readonly Message[],
  { fields = [], packet = [] }: { fields?: Message; packet?: Message } = {},
): Message {
  const inner: Message = [[1, cpu], ...events.map((event) => [2, event] as const), ...fields];
  return [[1, inner], [10, 7], ...packet];
}

/** FtraceEvent. */
export function event(ts: number | bigint, pid: number, number: number, body: Message): Message {
  return [
    [1, ts],
    [2, pid],
    [number, body],
  ];
}

/** The number of a pointer or of a call site: the upper half as kernels have it. */
export function kernelAddress(low: number): bigint {
  return 0xffff888000000000n + BigInt(low);
}

export const SITE = 0xffffffff81234567n;

interface Alloc {
  readonly req?: number;
  readonly alloc?: number;
  readonly site?: bigint;
  readonly gfp?: number;
  readonly node?: number;
}

/** kmalloc (299), kmem_cache_alloc (301): bytes_alloc, bytes_req, call_site, gfp_flags, ptr. */
export function alloc(
  ts: number | bigint,
  pid: number,
  number: number,
  ptr: bigint,
  { req = 64, alloc: size = 64, site = SITE, gfp = 0xcc0 }: Alloc = {},
): Message {
  return event(ts, pid, number, [
    [1, size],
    [2, req],
    [3, site],
    [4, gfp],
    [5, ptr],
  ]);
}

/** kmalloc_node (300), kmem_cache_alloc_node (302). */
export function allocNode(
  ts: number | bigint,
  pid: number,
  number: number,
  ptr: bigint,
  { req = 64, alloc: size = 64, site = SITE, gfp = 0xcc0, node = -1 }: Alloc = {},
): Message {
  return event(ts, pid, number, [
    [1, size],
    [2, req],
    [3, site],
    [4, gfp],
    [5, node],
    [6, ptr],
  ]);
}

/** kfree (298), kmem_cache_free (303). */
export function free(
  ts: number | bigint,
  pid: number,
  number: number,
  ptr: bigint,
  site: bigint = SITE,
): Message {
  return event(ts, pid, number, [
    [1, site],
    [2, ptr],
  ]);
}

/** sched_switch (4). */
export function schedSwitch(
  ts: number,
  prev: readonly [pid: number, comm: string],
  next: readonly [pid: number, comm: string],
): Message {
  return event(ts, prev[0], 4, [
    [1, prev[1]],
    [2, prev[0]],
    [3, 120],
    [4, 1],
    [5, next[1]],
    [6, next[0]],
    [7, 120],
  ]);
}

/** A packet with SystemInfo (45). */
export function systemInfo(release: string, machine: string, pageSize = 4096): Message {
  return [
    [
      45,
      [
        [
          1,
          [
            [1, 'Linux'],
            [3, release],
            [4, machine],
          ],
        ],
        [6, pageSize],
        [8, 2],
      ],
    ],
  ];
}

/** Numbers in a row, as a packed field has them. */
export function packed(values: readonly (number | bigint)[]): Buffer {
  const writer = new BinaryWriter();
  for (const value of values) writer.uint64(BigInt(value));
  return Buffer.from(writer.finish());
}
