// A trace.dat (version 7, not packed, one buffer) → a longer one: every CPU's pages are repeated, each
// time with later time stamps. Everything else stays, so trace-cmd reads the result as well.
// Layout: trace-cmd.dat.v7(5); pages and records: kernel/trace/ring_buffer.c.

import { closeSync, openSync, writeSync } from 'node:fs';

const PAGE_HEADER = 16;
const OPTION_DONE = 0;
const OPTION_BUFFER = 3;
const FIRST_SECTION = 16;
const LAST_SECTION = 21;
const TYPE_PADDING = 29;
const TYPE_TIME_EXTEND = 30;
const TYPE_TIME_STAMP = 31;
const TIME_STAMP_BITS = 59n;

/**
 * @param source bytes of the trace.dat
 * @param path the file to write
 * @param times how often the data are repeated
 */
export function multiplyTraceDat(source, path, times) {
  const head = Buffer.from(source);
  const { optionsAt, optionsPointer } = findOptions(head);
  const { cpus, pageSize, pointers } = readOptions(head, optionsAt);
  const from = Math.min(...cpus.map((cpu) => cpu.offset));
  const to = Math.max(...cpus.map((cpu) => cpu.offset + cpu.size));
  const sizes = cpus.map((cpu) => cpu.size * times);
  const added = sizes.reduce((sum, size) => sum + size, 0) - (to - from);
  const round = timeRange(head, cpus, pageSize);
  // Numbers that point behind the data move with what lies there.
  for (const at of [...pointers, optionsPointer]) {
    const target = Number(head.readBigUInt64LE(at));
    if (target >= to) head.writeBigUInt64LE(BigInt(target + added), at);
  }
  const fd = openSync(path, 'w');
  try {
    let offset = from;
    cpus.forEach((cpu, i) => {
      head.writeBigUInt64LE(BigInt(offset), cpu.at);
      head.writeBigUInt64LE(BigInt(sizes[i]), cpu.at + 8);
      offset += sizes[i];
    });
    writeAll(fd, head.subarray(0, from));
    for (const cpu of cpus) {
      for (let n = 0; n < times; n++) {
        const pages = Buffer.from(source.subarray(cpu.offset, cpu.offset + cpu.size));
        if (n > 0) shiftPages(pages, pageSize, BigInt(n) * round);
        writeAll(fd, pages);
      }
    }
    writeAll(fd, head.subarray(to));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function findOptions(bytes) {
  const afterVersion = bytes.indexOf(0, 10) + 1;
  if (bytes.toString('latin1', 10, afterVersion - 1) !== '7') throw new Error('not version 7');
  const compression = afterVersion + 1 + 1 + 4;
  const afterName = bytes.indexOf(0, compression) + 1;
  if (bytes.toString('latin1', compression, afterName - 1) !== 'none') {
    throw new Error('the trace.dat is packed');
  }
  const optionsPointer = bytes.indexOf(0, afterName) + 1;
  return { optionsPointer, optionsAt: Number(bytes.readBigUInt64LE(optionsPointer)) };
}

/** The CPUs of the buffer, with where their offsets stand, and where all other offsets stand. */
function readOptions(bytes, optionsAt) {
  const found = { cpus: [], pageSize: 0, pointers: [] };
  for (let section = optionsAt; section !== 0; ) section = readSection(bytes, section, found);
  return found;
}

/** @returns where the next section of options is, 0 where there is none */
function readSection(bytes, section, found) {
  let at = section + 16; // u16 id, u16 flags, u32 name, u64 size
  for (;;) {
    const id = bytes.readUInt16LE(at);
    const size = bytes.readUInt32LE(at + 2);
    const data = at + 6;
    if (id === OPTION_DONE) {
      if (size < 8) return 0;
      found.pointers.push(data);
      return Number(bytes.readBigUInt64LE(data));
    }
    if (id === OPTION_BUFFER) readBuffer(bytes, data, found);
    if (id === OPTION_BUFFER || (id >= FIRST_SECTION && id <= LAST_SECTION)) {
      found.pointers.push(data);
    }
    at = data + size;
  }
}

/** u64 section, name\0, clock\0, u32 page size, u32 CPUs, each u32 cpu, u64 offset, u64 size. */
function readBuffer(bytes, data, found) {
  if (found.cpus.length > 0) throw new Error('the trace.dat has several buffers');
  let at = bytes.indexOf(0, bytes.indexOf(0, data + 8) + 1) + 1;
  found.pageSize = bytes.readUInt32LE(at);
  const count = bytes.readUInt32LE(at + 4);
  at += 8;
  for (let i = 0; i < count; i++, at += 20) {
    found.cpus.push({
      at: at + 4,
      offset: Number(bytes.readBigUInt64LE(at + 4)),
      size: Number(bytes.readBigUInt64LE(at + 12)),
    });
  }
}

/** The time from the first page's stamp to well behind the last one's. */
function timeRange(bytes, cpus, pageSize) {
  let first;
  let last = 0n;
  for (const { offset, size } of cpus) {
    for (let page = offset; page < offset + size; page += pageSize) {
      const stamp = bytes.readBigUInt64LE(page);
      if (first === undefined || stamp < first) first = stamp;
      if (stamp > last) last = stamp;
    }
  }
  return last - first + 1_000_000_000n;
}

function shiftPages(pages, pageSize, shift) {
  for (let page = 0; page < pages.length; page += pageSize) {
    pages.writeBigUInt64LE(pages.readBigUInt64LE(page) + shift, page);
    shiftStamps(pages, page, shift);
  }
}

/** Records with a whole time stamp of their own; the others count from the page's. */
function shiftStamps(pages, page, shift) {
  const length = pages.readUInt32LE(page + 8) & 0x0fffffff;
  const end = page + PAGE_HEADER + length;
  for (let at = page + PAGE_HEADER; at < end; ) {
    const word = pages.readUInt32LE(at);
    const type = word & 31;
    if (type === TYPE_PADDING) {
      if (word >>> 5 === 0) return;
      at += 4 + pages.readUInt32LE(at + 4);
    } else if (type === TYPE_TIME_EXTEND) at += 8;
    else if (type === TYPE_TIME_STAMP) {
      const stamp =
        (((BigInt(pages.readUInt32LE(at + 4)) << 27n) | BigInt(word >>> 5)) + shift) &
        ((1n << TIME_STAMP_BITS) - 1n);
      pages.writeUInt32LE(((Number(stamp & 0x7ffffffn) << 5) | type) >>> 0, at);
      pages.writeUInt32LE(Number(stamp >> 27n), at + 4);
      at += 8;
    } else at += 4 + (type === 0 ? pages.readUInt32LE(at + 4) : 4 * type);
  }
}
