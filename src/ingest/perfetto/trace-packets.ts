// Packets of a Perfetto trace (trace_packet.proto): what is of use is handed on, what is packed is
// unpacked. A packet's own names of functions may stand behind the events that use them, so its parts
// are found first.

import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { FtraceBundles } from './ftrace-bundles.ts';
import { readFtraceStats } from './ftrace-stats.ts';
import { unpackZlib, unpackZstd } from './packed-packets.ts';
import { PacketCutter } from './packet-cutter.ts';
import { readSystemInfo } from './system-info.ts';
import { enabledKmemEvents } from './trace-config.ts';
import { ignore, isWireError, WireReader } from './wire.ts';

const PACKET = {
  ftraceEvents: 1,
  processTree: 2,
  sequenceId: 10,
  internedData: 12,
  traceConfig: 33,
  ftraceStats: 34,
  previousDropped: 42,
  systemInfo: 45,
  compressed: 50,
  machineId: 98,
  zstdCompressed: 133,
} as const;
const KERNEL_SYMBOLS = 26;

/** A part of a packet. */
interface Part {
  readonly field: number;
  readonly from: number;
  readonly to: number;
}

/** What a packet says of itself. */
interface Packet {
  sequence: number;
  /** True where packets of its sequence before it are lost. */
  isAfterLoss: boolean;
  readonly position: number;
  readonly isUnpacked: boolean;
}

export class TracePackets {
  /** Kmem events that the recording was told to take. */
  readonly enabled: Set<string> = new Set();
  private readonly bundles: FtraceBundles;
  private readonly info: TraceInfo;
  private readonly stats: TraceStats;
  /** Names of functions by sequence. */
  private readonly symbols = new Map<number, Map<number, number>>();
  private readonly begunSequences = new Set<number>();
  /** What the kernel had lost on each CPU when the recording began, and when it ended. */
  private readonly lostAtStart = new Map<number, number>();
  private readonly lostAtEnd = new Map<number, number>();

  constructor(bundles: FtraceBundles, info: TraceInfo, stats: TraceStats) {
    this.bundles = bundles;
    this.info = info;
    this.stats = stats;
  }

  /** Reads one packet; a damaged one is counted, and what is before its damage read. */
  read(bytes: Buffer, position: number, isUnpacked = false): void {
    try {
      this.readPacket(new WireReader(bytes), position, isUnpacked);
    } catch (error) {
      if (!isWireError(error)) throw error;
      this.stats.add('bad_record', 1, `byte ${position}`);
    }
  }

  /** Everything was read: what was lost is summed up. */
  finish(): void {
    let lost = 0;
    for (const [cpu, count] of this.lostAtEnd) {
      lost += Math.max(0, count - (this.lostAtStart.get(cpu) ?? count));
    }
    const { lossPlaces } = this.bundles;
    if (lost > 0) this.stats.add('lost_events', lost, 'in the trace');
    else if (lossPlaces > 0) this.stats.add('lost_events_unknown', lossPlaces, 'in the trace');
  }

  private readPacket(reader: WireReader, position: number, isUnpacked: boolean): void {
    const parts: Part[] = [];
    const packet: Packet = { sequence: 0, isAfterLoss: false, position, isUnpacked };
    let isForeign = false;
    reader.each(
      0,
      reader.len,
      (field, value) => {
        if (field === PACKET.sequenceId) packet.sequence = value;
        else if (field === PACKET.previousDropped) packet.isAfterLoss = value !== 0;
        // Of another machine (a guest of this one): another kernel, with addresses of its own.
        else if (field === PACKET.machineId) isForeign = value !== 0;
      },
      (field, from, to) => parts.push({ field, from, to }),
    );
    if (isForeign) return;
    for (const { field, from, to } of parts) {
      if (field === PACKET.internedData) this.readSymbols(reader, from, to, packet.sequence);
    }
    for (const part of parts) this.readPart(reader, part, packet);
  }

  private readPart(reader: WireReader, { field, from, to }: Part, packet: Packet): void {
    switch (field) {
      case PACKET.ftraceEvents:
        this.readBundle(reader, from, to, packet);
        break;
      case PACKET.processTree:
        this.bundles.comms.readProcessTree(reader, from, to);
        break;
      case PACKET.systemInfo:
        readSystemInfo(reader, from, to, this.info);
        break;
      case PACKET.traceConfig:
        for (const event of enabledKmemEvents(reader, from, to)) this.enabled.add(event);
        break;
      case PACKET.ftraceStats: {
        const { isEnd, lost } = readFtraceStats(reader, from, to);
        const sums = isEnd ? this.lostAtEnd : this.lostAtStart;
        for (const [cpu, count] of lost) sums.set(cpu, count);
        break;
      }
      case PACKET.compressed:
        this.readPacked(unpackZlib, reader.data.subarray(from, to), packet);
        break;
      case PACKET.zstdCompressed:
        this.readPacked(unpackZstd, reader.data.subarray(from, to), packet);
        break;
      default:
    }
  }

  private readBundle(reader: WireReader, from: number, to: number, packet: Packet): void {
    const { sequence, isAfterLoss } = packet;
    // The first packet of a sequence has nothing before it, whatever it says.
    const hasGap = isAfterLoss && this.begunSequences.has(sequence);
    this.begunSequences.add(sequence);
    this.bundles.read(reader, from, to, this.symbolsOf(sequence), hasGap);
  }

  private readPacked(
    unpack: (packed: Uint8Array) => Buffer,
    packed: Uint8Array,
    { position, isUnpacked }: Packet,
  ): void {
    if (isUnpacked) throw new RangeError('packed packets inside packed ones');
    const cutter = new PacketCutter(this.stats);
    cutter.push(unpack(packed));
    while (cutter.next()) {
      this.read(cutter.bytes.subarray(cutter.from, cutter.to), position, true);
    }
    cutter.finish();
  }

  private symbolsOf(sequence: number): Map<number, number> {
    let symbols = this.symbols.get(sequence);
    if (symbols === undefined) {
      symbols = new Map();
      this.symbols.set(sequence, symbols);
    }
    return symbols;
  }

  /** InternedData: its kernel_symbols are InternedStrings of a number (1) and a name (2). */
  private readSymbols(reader: WireReader, from: number, to: number, sequence: number): void {
    reader.each(from, to, ignore, (part, start, end) => {
      if (part !== KERNEL_SYMBOLS) return;
      let number = 0;
      let name = '';
      reader.each(
        start,
        end,
        (field, value) => {
          if (field === 1) number = value;
        },
        (field, nameStart, nameEnd) => {
          if (field === 2) name = reader.text(nameStart, nameEnd);
        },
      );
      const { strings } = this.bundles;
      if (name !== '') this.symbolsOf(sequence).set(number, strings.intern(name));
    });
  }
}
