// A list of kmemleak's by itself: its objects by stack, the most bytes first.

import { TraceFormatError } from '../../base/errors.ts';
import { fileStat } from '../../base/file-stat.ts';
import { STDIN } from '../../base/input-bytes.ts';
import { groupBy } from '../../base/keyed.ts';
import { readWhole } from '../../base/read-whole.ts';
import { type KmemleakObject, parseKmemleakList } from '../../kernel/checks/kmemleak-list.ts';
import { plainText } from '../../recording/foreign/foreign-file.ts';
import { foreignFile, isKmemleakList } from '../../recording/foreign/name-foreign.ts';
import { headOf } from '../../recording/head-of.ts';
import { MAX_SIDECAR_BYTES } from '../../recording/sidecars.ts';

export interface KmemleakGroup {
  readonly objects: number;
  readonly bytes: number;
  /** Null where the kernel prints no ages. */
  readonly oldestSec: number | null;
  readonly youngestSec: number | null;
  /** When the first and the last of them were allocated. */
  readonly firstJiffies: number | null;
  readonly lastJiffies: number | null;
  /** `comm-pid`, the one with most objects first. */
  readonly tasks: readonly string[];
  /** Address of the oldest one. */
  readonly example: string;
  readonly stack: readonly string[];
}

export interface KmemleakList {
  readonly type: 'kmemleak';
  readonly source: string;
  readonly groups: readonly KmemleakGroup[];
  /** The oldest first. */
  readonly objects: readonly KmemleakObject[];
}

/** The list that a file is; undefined where it is none, or standard input. */
export function readKmemleakList(source: string): KmemleakList | undefined {
  if (source === STDIN || !fileStat(source)?.isFile()) return undefined;
  if (!isKmemleakList(headOf(source))) return undefined;
  const objects = parseKmemleakList(plainText(readWhole(source, MAX_SIDECAR_BYTES)));
  if (objects.length === 0) throw new TraceFormatError(`${source}: a list without an object`);
  return groupKmemleak(source, objects);
}

/**
 * The objects of a file that is said to be kmemleak's list; an empty file is the list of a kernel that
 * found none.
 * @throws TraceFormatError where it is something else
 */
export function readKmemleakObjects(path: string): KmemleakObject[] {
  const bytes = readWhole(path, MAX_SIDECAR_BYTES);
  const objects = parseKmemleakList(plainText(bytes));
  if (objects.length > 0 || bytes.every((byte) => byte <= SPACE)) return objects;
  const kind = foreignFile(bytes.subarray(0, HEAD_BYTES));
  const what = kind === undefined ? 'no object in it' : `it is ${kind.title}`;
  throw new TraceFormatError(`${path}: not kmemleak's list: ${what}`, {
    hint: 'Take it as root: `cat /sys/kernel/debug/kmemleak > kmemleak.txt`.',
  });
}

const SPACE = 0x20;
const HEAD_BYTES = 65536;

export function groupKmemleak(source: string, list: readonly KmemleakObject[]): KmemleakList {
  const objects = [...list].sort(
    (a, b) => (b.ageSec ?? 0) - (a.ageSec ?? 0) || (a.jiffies ?? 0) - (b.jiffies ?? 0),
  );
  const byStack = groupBy(objects, ({ stack }) => stack.join('\n'));
  const groups = [...byStack.values()].map(groupOf);
  groups.sort((a, b) => b.bytes - a.bytes || b.objects - a.objects);
  return { type: 'kmemleak', source, groups, objects };
}

/** @param objects of one stack, the oldest first */
function groupOf(objects: readonly KmemleakObject[]): KmemleakGroup {
  const oldest = objects[0];
  const youngest = objects.at(-1);
  const tasks = groupBy(objects, ({ comm, pid }) => (comm === null ? '' : `${comm}-${pid}`));
  return {
    objects: objects.length,
    bytes: objects.reduce((sum, { size }) => sum + size, 0),
    oldestSec: oldest?.ageSec ?? null,
    youngestSec: youngest?.ageSec ?? null,
    firstJiffies: oldest?.jiffies ?? null,
    lastJiffies: youngest?.jiffies ?? null,
    tasks: [...tasks]
      .sort((a, b) => b[1].length - a[1].length)
      .flatMap(([task]) => (task === '' ? [] : [task])),
    example: oldest?.address ?? '',
    stack: oldest?.stack ?? [],
  };
}
