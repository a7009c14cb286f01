// Leak candidates in the words of /sys/kernel/debug/kmemleak (print_unreferenced(), mm/kmemleak.c):
// 6.1 with the address of each frame, 6.12 with a checksum instead, and per-CPU objects.

import type { LeakCandidate, Leaks } from '../../analysis/leaks/leaks-result.ts';
import { escapeText } from '../../render/escape.ts';

export interface KmemleakTextOptions {
  /** Jiffies in a second (CONFIG_HZ). */
  readonly hz: number;
}

const ROW_BYTES = 16;
/** INITIAL_JIFFIES: 300 seconds before the low 32 bits turn over (include/linux/jiffies.h). */
const WRAP = 2 ** 32;
const SECONDS_BEFORE_WRAP = 300;

export function renderKmemleak(leaks: Leaks, { hz }: KmemleakTextOptions): string {
  const hasChecksum = isSince612(leaks.run.kernelRelease);
  return leaks.candidates.map((c) => renderObject(c, hz, hasChecksum)).join('');
}

function renderObject(object: LeakCandidate, hz: number, hasChecksum: boolean): string {
  const comm = escapeText(object.comm ?? '?');
  let text = `unreferenced object ${trimmed(object)} (size ${object.size}):\n`;
  text += `  comm "${comm}", pid ${object.pid ?? 0}, jiffies ${jiffies(object.allocatedNs, hz)}\n`;
  if (object.hex !== null) {
    const bytes = Buffer.from(object.hex, 'hex');
    const where = object.kind === 'percpu' ? ' on cpu 0' : '';
    text += `  hex dump (first ${bytes.length} bytes${where}):\n`;
    for (let at = 0; at < bytes.length; at += ROW_BYTES) {
      text += `    ${hexRow(bytes.subarray(at, at + ROW_BYTES))}\n`;
    }
  }
  const crc = object.crc === null ? '0' : object.crc.toString(16);
  text += hasChecksum ? `  backtrace (crc ${crc}):\n` : '  backtrace:\n';
  for (const frame of backtrace(object, hasChecksum)) text += `    ${escapeText(frame)}\n`;
  return text;
}

/** The recorded stack, else the caller of the allocator. */
function backtrace(object: LeakCandidate, hasChecksum: boolean): string[] {
  if (object.stack.length > 0) return [...object.stack];
  if (object.callSite === null && object.symbol === null) return [];
  const module = object.module === null ? '' : ` [${object.module}]`;
  const name = object.symbol === null ? (object.callSite ?? '') : `${object.symbol}${module}`;
  const address = object.callSite?.slice(2);
  return [hasChecksum || address === undefined ? name : `[<${address}>] ${name}`];
}

/** As %08lx prints an address: without leading zeros. */
function trimmed({ address }: LeakCandidate): string {
  return `0x${BigInt(address).toString(16).padStart(8, '0')}`;
}

/** Of INITIAL_JIFFIES on, as a 64-bit number; the trace's clock counts from about the same moment. */
function jiffies(ns: string | null, hz: number): string {
  if (ns === null) return '0';
  const passed = (BigInt(ns) * BigInt(hz)) / 1_000_000_000n;
  return (BigInt(WRAP - SECONDS_BEFORE_WRAP * hz) + passed).toString();
}

/** hex_dump_to_buffer(): bytes in columns, two blanks, the same as letters. */
function hexRow(bytes: Buffer): string {
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  const letters = [...bytes].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.'));
  return `${hex.padEnd(ROW_BYTES * 3 - 1)}  ${letters.join('')}`;
}

function isSince612(release: string | null): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 12);
}
