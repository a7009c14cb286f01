// The folder of LTTng's kernel tracer as lttng-modules 2.13 writes it: metadata with its clock, its
// environment, contexts and fields whose names begin with _; packets of CTF 1.8 with what was discarded.

const UUID = Buffer.from('12345678123456781234567812345678', 'hex');
const MAGIC = 0xc1fc1fc1;
/** Bytes of a packet before its events. */
const PACKET_HEAD = 4 + 16 + 4 + 8 + 6 * 8 + 4;
const KERNEL_MARK = 0xffffffffffffff80n;

const METADATA = `/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 16; align = 8; signed = false; } := uint16_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 64; align = 8; signed = false; } := unsigned long;
typealias integer { size = 5; align = 1; signed = false; } := uint5_t;
typealias integer { size = 27; align = 1; signed = false; } := uint27_t;
trace {
	major = 1;
	minor = 8;
	uuid = "12345678-1234-5678-1234-567812345678";
	byte_order = le;
	packet.header := struct {
		uint32_t magic;
		uint8_t  uuid[16];
		uint32_t stream_id;
		uint64_t stream_instance_id;
	};
};
env {
	hostname = "debian";
	domain = "kernel";
	sysname = "Linux";
	kernel_release = "6.1.0-18-amd64";
	kernel_version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1";
	tracer_name = "lttng-modules";
	tracer_major = 2;
	tracer_minor = 13;
	tracer_patchlevel = 8;
	trace_buffering_scheme = "global";
	trace_name = "my-kernel-session";
	trace_creation_datetime = "20240101T101112+0100";
};
clock {
	name = "monotonic";
	uuid = "98e6d4ac-0000-4c17-a9c9-a2a5e1e3b1a1";
	description = "Monotonic Clock";
	freq = 1000000000; /* Frequency, in Hz */
	/* clock value offset from Epoch is: offset * (1/freq) */
	offset = 1704100000000000000;
};
typealias integer {
	size = 27; align = 1; signed = false;
	map = clock.monotonic.value;
} := uint27_clock_monotonic_t;
typealias integer {
	size = 32; align = 8; signed = false;
	map = clock.monotonic.value;
} := uint32_clock_monotonic_t;
typealias integer {
	size = 64; align = 8; signed = false;
	map = clock.monotonic.value;
} := uint64_clock_monotonic_t;
struct packet_context {
	uint64_clock_monotonic_t timestamp_begin;
	uint64_clock_monotonic_t timestamp_end;
	uint64_t content_size;
	uint64_t packet_size;
	uint64_t packet_seq_num;
	unsigned long events_discarded;
	uint32_t cpu_id;
};
struct event_header_compact {
	enum : uint5_t { compact = 0 ... 30, extended = 31 } id;
	variant <id> {
		struct {
			uint27_clock_monotonic_t timestamp;
		} compact;
		struct {
			uint32_t id;
			uint64_clock_monotonic_t timestamp;
		} extended;
	} v;
} align(8);
struct event_header_large {
	enum : uint16_t { compact = 0 ... 65534, extended = 65535 } id;
	variant <id> {
		struct {
			uint32_clock_monotonic_t timestamp;
		} compact;
		struct {
			uint32_t id;
			uint64_clock_monotonic_t timestamp;
		} extended;
	} v;
} align(8);
stream {
	id = 0;
	event.header := struct event_header_large;
	packet.context := struct packet_context;
	event.context := struct {
		integer { size = 32; align = 8; signed = 1; encoding = none; base = 10; } _pid;
		integer { size = 32; align = 8; signed = 1; encoding = none; base = 10; } _tid;
		integer { size = 8; align = 8; signed = 0; encoding = UTF8; base = 10; } _procname[16];
		uint32_t __callstack_kernel_length;
		integer { size = 64; align = 8; signed = 0; encoding = none; base = 16; } _callstack_kernel[ __callstack_kernel_length ];
	};
};
`;

const integer = (bits: number, name: string, base = 10): string =>
  `integer { size = ${bits}; align = 8; signed = ${name === 'node' ? 1 : 0}; encoding = none; base = ${base}; } _${name};`;
const OBJECT = `${integer(64, 'call_site', 16)} ${integer(64, 'ptr', 16)}`;
const ALLOC = `${OBJECT} ${integer(64, 'bytes_req')} ${integer(64, 'bytes_alloc')} ${integer(32, 'gfp_flags')}`;

/** Names and fields of the events, in the order of their numbers. */
const EVENTS = [
  ['kmem_kmalloc', ALLOC],
  ['kmem_kfree', OBJECT],
  ['kmem_cache_alloc', ALLOC],
  ['kmem_cache_free', `${OBJECT} string _name;`],
  ['kmem_kmalloc_node', `${ALLOC} ${integer(32, 'node')}`],
  ['sched_switch', integer(32, 'prev_tid')],
] as const;

export const LTTNG_METADATA: string =
  METADATA +
  EVENTS.map(
    ([name, fields], id) =>
      `event { name = "${name}"; id = ${id}; stream_id = 0; fields := struct { ${fields} }; };\n`,
  ).join('');

export interface LttngEvent {
  readonly name: (typeof EVENTS)[number][0];
  readonly time: number;
  readonly tid: number;
  readonly comm: string;
  /** Its fields in their order: numbers of 64 bits, of 32 bits, and strings. */
  readonly fields: readonly (bigint | number | string)[];
}

function u64(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), i * 8);
  });
  return bytes;
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value >>> 0, i * 4);
  });
  return bytes;
}

function encodeEvent({ name, time, tid, comm, fields }: LttngEvent, frame: bigint): Buffer {
  const id = EVENTS.findIndex(([each]) => each === name);
  const procname = Buffer.alloc(16);
  procname.write(comm);
  return Buffer.concat([
    // The long form of the header: 65535, the number, the whole time
    Buffer.from([0xff, 0xff]),
    u32(id),
    u64(BigInt(time)),
    u32(tid, tid),
    procname,
    u32(2),
    u64(KERNEL_MARK, frame),
    ...fields.map((field) =>
      typeof field === 'bigint'
        ? u64(field)
        : typeof field === 'number'
          ? u32(field)
          : Buffer.from(`${field}\0`),
    ),
  ]);
}

/** A packet of a CPU's stream. @param discarded events that the CPU has lost so far */
export function lttngPacket(
  cpu: number,
  events: readonly LttngEvent[],
  { sequence = 0, discarded = 0, frame = 0xffffffff81000010n } = {},
): Buffer {
  const body = Buffer.concat(events.map((event) => encodeEvent(event, frame)));
  const bits = BigInt((PACKET_HEAD + body.length) * 8);
  const times = [events[0]?.time ?? 0, events.at(-1)?.time ?? 0].map(BigInt);
  return Buffer.concat([
    u32(MAGIC),
    UUID,
    u32(0),
    u64(BigInt(cpu), ...times, bits, bits, BigInt(sequence), BigInt(discarded)),
    u32(cpu),
    body,
  ]);
}
