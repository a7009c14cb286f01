// Whether bytes are the start of a Perfetto trace. It has no mark: packets must follow each other to
// the byte, with fields that trace_packet.proto has.

import { isWireError, WireReader } from './wire.ts';

const PACKET = 1;
/** How parts of packets begin: a bundle with its CPU or an event, what is packed as zlib, gzip, zstd do. */
const FIRST_BYTES: ReadonlyMap<number, readonly number[]> = new Map([
  [1, [0x08, 0x12]],
  [50, [0x78, 0x1f]],
  [133, [0x28]],
]);
/** Fields of a packet that are numbers; the others are messages, strings and bytes. */
const NUMBERS: ReadonlySet<number> = new Set([3, 8, 10, 13, 41, 42, 58, 79, 87, 98]);
const RESERVED: ReadonlySet<number> = new Set([14, 15]);
/** Extensions have numbers up to here. */
const MAX_FIELD = 1999;

/** Fields after which what follows may be damaged: other bytes do not get so far. */
const FIELDS_TO_BE_SURE = 2;

/** @param head the first bytes of a file, which may end inside a packet */
export function looksLikeTrace(head: Uint8Array): boolean {
  const reader = new WireReader(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
  let sure = 0;
  let fields = 0;
  try {
    while (reader.pos < reader.len) {
      if (!beginsPacket(reader)) return sure >= FIELDS_TO_BE_SURE;
      const end = reader.uint32() + reader.pos;
      while (reader.pos < Math.min(end, reader.len)) {
        reader.next(end);
        if (!isPacketField(reader)) return sure >= FIELDS_TO_BE_SURE;
        reader.pass(end);
        fields++;
      }
      sure = fields;
    }
  } catch (error) {
    if (!isWireError(error)) throw error;
    // A number that the end of the head cuts is no fault.
    if (reader.pos <= reader.len) return sure >= FIELDS_TO_BE_SURE;
  }
  return fields >= FIELDS_TO_BE_SURE || (fields === 1 && beginsWithKnownPart(head));
}

/** True where the first packet begins with a part of ours that begins as such a part does. */
function beginsWithKnownPart(head: Uint8Array): boolean {
  const reader = new WireReader(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
  if (!beginsPacket(reader)) return false;
  const end = reader.uint32() + reader.pos;
  if (!reader.next(end) || !reader.isRange) return false;
  const { field } = reader;
  reader.uint32();
  return FIRST_BYTES.get(field)?.includes(head[reader.pos] ?? -1) ?? false;
}

/** Goes behind the tag of field 1, a message. */
function beginsPacket(reader: WireReader): boolean {
  return reader.next(reader.len) && reader.field === PACKET && reader.isRange;
}

function isPacketField({ field, isVarint, isRange }: WireReader): boolean {
  if (RESERVED.has(field) || field > MAX_FIELD) return false;
  return NUMBERS.has(field) ? isVarint : isRange;
}
