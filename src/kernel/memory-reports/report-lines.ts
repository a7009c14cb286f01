// The lines of a report below its head, each by what it says. Most are printed by one of the three
// only; where they stand and in which order differs from release to release, so nothing depends on it
// but whose stack the frames belong to.

import { type OpenReport, type OpenTrack, pointerOf, siteOf } from './open-report.ts';
import { parseFrame } from './stack-frame.ts';
import { parseTaskLine } from './task-line.ts';

const POINTER = String.raw`(?:0x)?\(?([0-9a-f]{8,16}|_*ptrval_*|null)\)?`;

interface Reader {
  readonly pattern: RegExp;
  read(report: OpenReport, match: RegExpExecArray): void;
}

const SLUB: readonly Reader[] = [
  {
    // INFO: 0xffff…-0xffff… @offset=635. First byte 0x2e instead of 0xcc
    pattern: new RegExp(
      String.raw`(?:^|\] |INFO: )${POINTER}-${POINTER}(?: @offset=(\d+))?\. First`,
    ),
    read(report, [, first = '', last = '', offset]) {
      if (report.byte !== undefined) return;
      setByte(report, first);
      if (isHex(last)) report.lastByte = pointerOf(last);
      if (offset !== undefined) report.byteSlabOffset = Number(offset);
    },
  },
  {
    // INFO: Allocated in foo+0x10/0x40 [mod] age=3 cpu=0 pid=9; 2.6.22: Last alloc: foo+0x… jiffies_ago=3
    pattern:
      /^(?:INFO: )?(?:(Allocated|Freed) in|Last (alloc|free) ?:) (\S+?)(?:\/0x[0-9a-f]+)?\s(.*)$/,
    read(report, [, which, old, site = '', rest = '']) {
      const isAlloc = which === 'Allocated' || old === 'alloc';
      const track = report.openTrack(isAlloc ? 'allocated' : 'freed');
      track.in = siteOf(site);
      if (track.in === null) return;
      track.age = numberOf(/\b(?:age|jiffies_ago)=(\d+)/.exec(rest));
      track.cpu = numberOf(/\bcpu=(\d+)/.exec(rest));
      track.pid = numberOf(/\bpid=(\d+)/.exec(rest));
    },
  },
  {
    pattern: new RegExp(
      String.raw`^(?:INFO: )?Object ${POINTER} @offset=(-?\d+)(?: fp=${POINTER})?`,
    ),
    read(report, [, object = '', offset = '', fp]) {
      notePointer(report, object);
      if (fp !== undefined) notePointer(report, fp);
      report.addObject(isHex(object) ? pointerOf(object) : undefined, Number(offset));
      report.track = undefined;
    },
  },
  {
    pattern: new RegExp(String.raw`^(?:INFO: )?Slab ${POINTER} (?:.*?\bfp=${POINTER})?`),
    read(report, [, slab = '', fp]) {
      notePointer(report, slab);
      if (fp !== undefined) notePointer(report, fp);
      report.track = undefined;
    },
  },
  {
    pattern: new RegExp(`^(?:INFO: )?Invalid pointer ${POINTER}`),
    read: (report, [, digits = '']) => setByte(report, digits),
  },
];

const KASAN: readonly Reader[] = [
  {
    // Write of size 4 at addr ffff… by task belld/611; before 4.12 without the address
    pattern:
      /^(Read|Write|Free) of (?:size (\d+) ?)?(?:(?:at )?addr (?:0x)?([0-9a-f]{8,16}) ?)?(?:by task (.*)\/(\d+))?$/,
    read(report, [, kind, size, byte, comm, pid]) {
      if (kind !== 'Free') {
        report.access ??= { isWrite: kind === 'Write', size: numberOf([size]) };
      }
      if (byte !== undefined && report.byte === undefined) report.byte = pointerOf(byte);
      if (comm !== undefined) report.task ??= { comm, pid: Number(pid) };
    },
  },
  {
    // Allocated by task 590 on cpu 1 at 12.345678s:
    pattern: /^(Allocated|Freed)(?: by task (-?\d+))?(?: on cpu (\d+) at (\d+\.\d+)s.*)?:$/,
    read(report, [, which, pid, cpu, at]) {
      setTask(report.openTrack(which === 'Allocated' ? 'allocated' : 'freed'), pid, cpu, at);
    },
  },
  {
    // 4.7: Allocation: and Deallocation:, then PID = 12, CPU = 1, timestamp = 4294 …
    pattern: /^(Allocation|Deallocation):$/,
    read(report, [, which]) {
      report.openTrack(which === 'Allocation' ? 'allocated' : 'freed');
    },
  },
  {
    pattern: /^PID = (\d+)(?:, CPU = (\d+))?/,
    read({ track }, [, pid, cpu]) {
      if (track === undefined) return;
      track.pid ??= numberOf([pid]);
      track.cpu ??= numberOf([cpu]);
    },
  },
  {
    pattern: /^\(stack is not available\)/,
    read({ track }) {
      if (track !== undefined) track.isMissing = true;
    },
  },
  {
    pattern:
      /^(?:Last|Second to last) (?:potentially related|call_rcu)|^The buggy address belongs to the (?:page|variable|physical)/,
    read(report) {
      report.track = undefined;
    },
  },
  {
    // Object at ffff8801a0de8a80, in cache rope_cache size: 96   (4.8 to 4.11)
    pattern: /^Object at (?:0x)?([0-9a-f]{8,16}),? in cache (\S+?)(?: size: (\d+)|$)/,
    read(report, [, object = '', cache = '', size]) {
      report.addObject(pointerOf(object));
      report.cache ??= cache;
      report.size ??= numberOf([size]);
      report.track = undefined;
    },
  },
  {
    pattern: /The buggy address belongs to the object at (?:0x)?([0-9a-f]{8,16})/,
    read(report, [, object = '']) {
      report.addObject(pointerOf(object));
      report.track = undefined;
    },
  },
  {
    pattern: /which belongs to the cache (\S+) of size (\d+)/,
    read(report, [, cache = '', size]) {
      report.cache ??= cache;
      report.size ??= numberOf([size]);
    },
  },
  {
    pattern: /The buggy address is located (\d+) bytes (?:to the (left|right)|inside)/,
    read(report, [, bytes, side = 'inside']) {
      report.located ??= { bytes: Number(bytes), side };
    },
  },
  {
    pattern: /\b(\d+)-byte region \[(?:0x)?([0-9a-f]{8,16}), /,
    read(report, [, bytes, object = '']) {
      report.regionBytes ??= Number(bytes);
      if (!report.hasObject) report.addObject(pointerOf(object));
    },
  },
];

const KFENCE: readonly Reader[] = [
  {
    // Out-of-bounds read at 0x… (1B left of kfence-#23):
    pattern: new RegExp(
      String.raw`^(?:Out-of-bounds|Use-after-free|Invalid|Corrupted)\b.*? (?:at|of) ${POINTER}(?: .*|:|$)`,
    ),
    read(report, [line = '', digits = '']) {
      setByte(report, digits);
      const [, bytes, side] = /\((\d+)B (left|right) of /.exec(line) ?? [];
      // Both are counted from the start of the object.
      if (bytes !== undefined) {
        report.located ??= { bytes: Number(bytes), side: side === 'left' ? 'left' : 'inside' };
      }
      const kind = /\b(read|write)\b/.exec(line)?.[1];
      if (kind !== undefined) report.access ??= { isWrite: kind === 'write', size: null };
    },
  },
  {
    // kfence-#72: 0x…-0x…, size=32, cache=kmalloc-32; until 5.14 in brackets, with "allocated by" behind it
    pattern: new RegExp(
      String.raw`kfence-#\d+:? \[?${POINTER}-${POINTER}, size=(\d+), cache=([^\s\],]+)`,
    ),
    read(report, [, object = '', last = '', size, cache = '']) {
      notePointer(report, object);
      notePointer(report, last);
      if (isHex(object)) report.addObject(pointerOf(object));
      report.size ??= numberOf([size]);
      report.cache ??= cache === '<destroyed>' ? null : cache;
    },
  },
  {
    // allocated by task 484 on cpu 0 at 32.919330s (0.001s ago):
    pattern:
      /(?:^|\] )(allocated|freed|rcu freeing) by task (-?\d+)(?: on cpu (\d+) at (\d+\.\d+)s.*)?:?$/,
    read(report, [, which, pid, cpu, at]) {
      setTask(report.openTrack(which === 'allocated' ? 'allocated' : 'freed'), pid, cpu, at);
    },
  },
];

const READERS: Readonly<Record<OpenReport['tool'], readonly Reader[]>> = {
  SLUB,
  // Until 4.7 SLUB prints the object for it.
  KASAN: [...KASAN, ...SLUB],
  KFENCE,
};

/** Takes what a line says; false where it is no line of such a report. */
export function readLine(report: OpenReport, text: string): boolean {
  const bare = text.trim();
  let isKnown = false;
  for (const { pattern, read } of READERS[report.tool]) {
    const match = pattern.exec(bare);
    if (match === null) continue;
    read(report, match);
    isKnown = true;
  }
  if (isKnown) return true;
  if (/^Call [Tt]race:|^Backtrace:/.test(bare)) {
    report.track = undefined;
    return true;
  }
  const task = parseTaskLine(bare);
  if (task !== undefined) {
    report.task ??= { comm: task.comm, pid: task.pid };
    report.track = undefined;
    return true;
  }
  const frame = parseFrame(text);
  if (frame === undefined) return false;
  report.track?.addFrame(frame);
  return true;
}

function setTask(track: OpenTrack, pid?: string, cpu?: string, at?: string): void {
  track.pid = numberOf([pid]);
  track.cpu = numberOf([cpu]);
  track.atSec = numberOf([at]);
}

function setByte(report: OpenReport, digits: string): void {
  notePointer(report, digits);
  if (isHex(digits)) report.byte ??= pointerOf(digits);
}

function notePointer(report: OpenReport, digits: string): void {
  if (digits.includes('ptrval')) report.isUntold = true;
  else if (isHex(digits)) report.pointers.push(pointerOf(digits));
}

function isHex(digits: string): boolean {
  return /^[0-9a-f]+$/.test(digits);
}

/** The last part of a match, as a number; null where it is not there. */
function numberOf(match: readonly (string | undefined)[] | null): number | null {
  const digits = match?.at(-1);
  return digits === undefined ? null : Number(digits);
}
