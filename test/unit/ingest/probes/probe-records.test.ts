import { describe, expect, test } from 'vitest';
import { BatchWriter } from '../../../../src/ingest/events/batch-writer.ts';
import { EventFields } from '../../../../src/ingest/events/event-fields.ts';
import { parseEventFormat } from '../../../../src/ingest/events/event-format.ts';
import { openProbes } from '../../../../src/ingest/probes/open-probes.ts';
import { Dictionary } from '../../../../src/kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../../../../src/kernel/events/event-batch.ts';
import { EVENT_NAMES } from '../../../../src/kernel/events/event-kind.ts';
import { emptyTraceInfo } from '../../../../src/kernel/events/trace-info.ts';
import { TraceStats } from '../../../../src/kernel/events/trace-stats.ts';
import { FolderSidecars } from '../../../../src/recording/sidecar-files.ts';
import {
  ARM32,
  type Machine,
  packed,
  S390X,
  X86_64,
} from '../../../helpers/builders-ring-buffer.ts';

const KMALLOC = 0x8b9660n;
const CACHE_ALLOC = 0x92bb10n;
const VFS_READ = 0x9999000n;
const CALLER = 0x975b8bn;
const TRAMPOLINE = 0x7777000n;

const KALLSYMS = (
  [
    [KMALLOC, '__kmalloc'],
    [CACHE_ALLOC, 'kmem_cache_alloc'],
    [VFS_READ, 'vfs_read'],
    [TRAMPOLINE, 'arch_rethook_trampoline'],
  ] as const
)
  .map(([address, name]) => `${address.toString(16).padStart(16, '0')} T ${name}\n`)
  .join('');

/** Fields behind the common ones, each `[declaration, bytes]`, one behind the other. */
function format(id: number, name: string, fields: readonly [string, number][]): string {
  let offset = 8;
  const lines = fields.map(([declaration, size]) => {
    const line = `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:0;\n`;
    offset += size;
    return line;
  });
  return `name: ${name}\nID: ${id}\nformat:\n${lines.join('')}\nprint fmt: "", 0\n`;
}

/** Reads records, a microsecond apart; gives the events as `event ptr size caller`. */
class Rig {
  readonly stats: TraceStats = new TraceStats();
  private readonly machine: Machine;
  private readonly dictionary = new Dictionary();
  private readonly batches: EventBatch[] = [];
  private readonly writer: BatchWriter;
  private readonly fields: EventFields;
  private ts = 0;

  constructor(
    machine: Machine,
    { kallsyms = KALLSYMS, maps = [] as string[], tracepoints = false } = {},
  ) {
    const long = machine.longSize;
    this.machine = machine;
    const outlet = {
      emit: (batch: EventBatch) => this.batches.push(batch),
      obtain: () => createBatch(),
    };
    const info = emptyTraceInfo('test');
    this.writer = new BatchWriter(this.dictionary, this.stats, outlet, info);
    const ip: [string, number] = ['unsigned long __probe_ip', long];
    const texts = [
      format(1, 'kmalloc_p', [ip, ['u64 size', 8], ['u32 flags', 4]]),
      format(2, 'kmalloc_r', [
        ['unsigned long __probe_func', long],
        ['unsigned long __probe_ret_ip', long],
        ['u64 ret', 8],
      ]),
      format(3, 'bulkfree1', [ip, ['u64 n', 8], [`u${long * 8} p[3]`, long * 3]]),
      format(4, 'take', [ip, ['u16 bytes', 2], ['u8 pad', 1], ['u8 pad2', 1], ['u64 where', 8]]),
      ...(tracepoints
        ? [
            format(5, 'kmalloc', [
              ['unsigned long call_site', long],
              ['const void * ptr', long],
              ['size_t bytes_req', long],
              ['size_t bytes_alloc', long],
              ['gfp_t gfp_flags', 4],
            ]),
          ]
        : []),
    ];
    const formats = texts.flatMap((text) => parseEventFormat(text) ?? []);
    const sidecars = new FolderSidecars([]);
    if (kallsyms !== '') sidecars.offer('kallsyms.txt', Buffer.from(kallsyms));
    const probes = openProbes(formats, machine, { sidecars, maps }, this.writer, info.probes);
    this.fields = new EventFields(formats, machine, this.writer, new Map(), info, probes);
  }

  record(id: number, ...numbers: [number, bigint | number][]): this {
    const bytes = packed(this.machine, [2, id], [1, 0], [1, 0], [4, 7], ...numbers);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fields.add(view, 0, bytes.length, this.ts++, 0);
    return this;
  }

  entry(func: bigint, size: bigint): this {
    return this.record(1, [this.machine.longSize, func], [8, size], [4, 0xcc0]);
  }

  return(func: bigint, caller: bigint, ret: bigint): this {
    const { longSize } = this.machine;
    return this.record(2, [longSize, func], [longSize, caller], [8, ret]);
  }

  events(): string[] {
    this.writer.finish();
    const { calls, sites } = this.dictionary;
    return this.batches.flatMap((batch) =>
      Array.from({ length: batch.length }, (_, i) => {
        const call = calls.get(batch.call[i] ?? 0);
        const ptr = (BigInt(batch.ptrHi[i] ?? 0) << 32n) | BigInt(batch.ptrLo[i] ?? 0);
        const site = call.site === 0 ? '-' : sites.lo(call.site).toString(16);
        return `${EVENT_NAMES[call.kind]} ${ptr.toString(16)} ${call.bytesReq} ${site}`;
      }),
    );
  }
}

const MACHINES = [
  ['x86-64', X86_64, 0xffff888001000040n],
  ['s390x', S390X, 0xffff888001000040n],
  ['arm', ARM32, 0xc1000040n],
] as const;

describe.each(MACHINES)('%s', (_, machine, object) => {
  const long = machine.longSize;
  const hex = object.toString(16);

  test('a call and its return, of functions that are told apart', () => {
    const rig = new Rig(machine)
      .entry(KMALLOC, 100n)
      .entry(KMALLOC + 4n, 20n)
      .return(KMALLOC + 4n, CALLER, object + 1n)
      .return(KMALLOC, CALLER, object);
    expect(rig.events()).toEqual([
      `kmalloc ${(object + 1n).toString(16)} 20 975b8b`,
      `kmalloc ${hex} 100 975b8b`,
    ]);
    expect(rig.stats.list()).toEqual([]);
  });

  test('objects of an array', () => {
    const rig = new Rig(machine, { maps: ['bulkfree1=bulk_free'] });
    rig.record(3, [long, VFS_READ], [8, 5], [long, object], [long, object + 64n], [long, 1]);
    expect(rig.events()).toEqual([
      `bulk_free ${hex} 0 -`,
      `bulk_free ${(object + 64n).toString(16)} 0 -`,
    ]);
  });

  test('fields of fewer bytes', () => {
    const rig = new Rig(machine, { maps: ['take=alloc,bytes=size,where=ptr'] });
    rig.record(4, [long, VFS_READ], [2, 0x1234], [1, 0], [1, 0], [8, object]);
    expect(rig.events()).toEqual([`kmalloc ${hex} ${0x1234} -`]);
  });

  test('beside the tracepoint: the caller from the return', () => {
    const rig = new Rig(machine, { tracepoints: true }).entry(KMALLOC, 100n);
    rig.record(5, [long, TRAMPOLINE], [long, object], [long, 100], [long, 128], [4, 0xcc0]);
    rig.return(KMALLOC, CALLER, object);
    expect(rig.events()).toEqual([`kmalloc ${hex} 100 975b8b`]);
  });
});

describe('what is none of ours', () => {
  test('a probe on another function', () => {
    const rig = new Rig(X86_64).entry(VFS_READ, 8n).return(VFS_READ, CALLER, 5n);
    expect(rig.events()).toEqual([]);
    expect(rig.stats.get('other_events')).toBe(2);
  });

  test('without symbols the fields decide', () => {
    const rig = new Rig(X86_64, { kallsyms: '' }).entry(VFS_READ, 8n).return(VFS_READ, CALLER, 5n);
    expect(rig.events()).toEqual(['kmalloc 5 8 975b8b']);
  });

  test('a record that ends too early', () => {
    const rig = new Rig(X86_64).record(1, [8, KMALLOC], [4, 1]).record(2).entry(KMALLOC, 8n);
    expect(rig.return(KMALLOC, CALLER, 5n).events()).toEqual(['kmalloc 5 8 975b8b']);
    expect(rig.stats.get('other_events')).toBe(2);
  });
});
