// A perf.data (a file, not packed, little-endian) → a longer one: all records that have a time are
// repeated, each time at later times, a FINISHED_ROUND behind each. Everything else stays, so perf reads
// the result as well. Layout: tools/perf/util/header.h, include/uapi/linux/perf_event.h.

import { closeSync, openSync, writeSync } from 'node:fs';

const RECORD_SAMPLE = 9;
const FIRST_USER_RECORD = 64;
const FINISHED_ROUND = 68;
const SAMPLE = {
  ip: 1,
  tid: 2,
  time: 4,
  id: 0x40,
  cpu: 0x80,
  streamId: 0x200,
  identifier: 0x10000,
};
/** Between the last record and its repetition. */
const GAP_NS = 1000n;

/**
 * @param source bytes of the perf.data
 * @param path the file to write
 * @param times how often the records are repeated
 * @returns how many samples the file has
 */
export function multiplyPerfData(source, path, times) {
  const at = (offset) => Number(source.readBigUInt64LE(offset));
  const data = { from: at(40), to: at(40) + at(48) };
  const typeOfId = readAttrs(source, { size: at(16), from: at(24), to: at(24) + at(32) });
  const records = cut(source, data, typeOfId);
  const timed = records.filter((record) => record.time > 0n);
  const from = timed[0].at;
  const to = timed.at(-1).at + timed.at(-1).size;
  const first = timed.reduce((min, { time }) => (time < min ? time : min), timed[0].time);
  const last = timed.reduce((max, { time }) => (time > max ? time : max), 0n);
  const added = (to - from) * (times - 1) + 8 * times;

  const head = Buffer.from(source.subarray(0, from));
  head.writeBigUInt64LE(BigInt(data.to - data.from + added), 48);
  const round = Buffer.alloc(8);
  round.writeUInt32LE(FINISHED_ROUND);
  round.writeUInt16LE(8, 6);
  const fd = openSync(path, 'w');
  try {
    writeAll(fd, head);
    for (let n = 0n; n < BigInt(times); n++) {
      const body = Buffer.from(source.subarray(from, to));
      for (const { timeAt, time } of timed) {
        body.writeBigUInt64LE(time + n * (last - first + GAP_NS), timeAt - from);
      }
      writeAll(fd, body);
      writeAll(fd, round);
    }
    writeAll(fd, source.subarray(to, data.to));
    writeAll(fd, moveFeatures(source, data.to, added));
  } finally {
    closeSync(fd);
  }
  return timed.filter(({ type }) => type === RECORD_SAMPLE).length * times;
}

/** sample_type by id, and under undefined that of the first event. */
function readAttrs(source, attrs) {
  const typeOfId = new Map();
  for (let at = attrs.from; at < attrs.to; at += attrs.size) {
    const type = Number(source.readBigUInt64LE(at + 24));
    if (!typeOfId.has(undefined)) typeOfId.set(undefined, type);
    const ids = Number(source.readBigUInt64LE(at + attrs.size - 16));
    const size = Number(source.readBigUInt64LE(at + attrs.size - 8));
    for (let id = ids; id < ids + size; id += 8) typeOfId.set(source.readBigUInt64LE(id), type);
  }
  return typeOfId;
}

/** All records, with the place of their time and the time (0 where there is none). */
function cut(source, data, typeOfId) {
  const records = [];
  for (let at = data.from; at < data.to; ) {
    const type = source.readUInt32LE(at);
    const size = source.readUInt16LE(at + 6);
    const timeAt = type < FIRST_USER_RECORD ? findTime(source, at, size, type, typeOfId) : 0;
    records.push({ at, size, type, timeAt, time: timeAt && source.readBigUInt64LE(timeAt) });
    at += size;
  }
  return records;
}

function findTime(source, at, size, type, typeOfId) {
  const hasIds = (typeOfId.get(undefined) & SAMPLE.identifier) !== 0;
  const isSample = type === RECORD_SAMPLE;
  const id = hasIds ? source.readBigUInt64LE(isSample ? at + 8 : at + size - 8) : undefined;
  const sampleType = typeOfId.get(id) ?? typeOfId.get(undefined);
  const has = (...bits) => 8 * bits.filter((bit) => (sampleType & bit) !== 0).length;
  if (isSample) return at + 8 + has(SAMPLE.identifier, SAMPLE.ip, SAMPLE.tid);
  const behind = has(SAMPLE.time, SAMPLE.id, SAMPLE.streamId, SAMPLE.cpu, SAMPLE.identifier);
  return at + size - behind;
}

/** What stands behind the data: the table of the features, and these. */
function moveFeatures(source, from, added) {
  const moved = Buffer.from(source.subarray(from));
  let features = 0;
  for (let bit = 0; bit < 256; bit++) {
    if ((source[72 + (bit >> 3)] >> (bit & 7)) & 1) features++;
  }
  for (let i = 0; i < features; i++) {
    moved.writeBigUInt64LE(moved.readBigUInt64LE(i * 16) + BigInt(added), i * 16);
  }
  return moved;
}

function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
