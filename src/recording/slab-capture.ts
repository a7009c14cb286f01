// A SOURCE that holds what /sys/kernel/slab or /proc/slabinfo showed → its caches: a text as grep and
// cat print it, a tar archive of /sys/kernel/slab, such a folder, or the files of a recording.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { TraceFormatError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { readChunks, STDIN } from '../base/input-bytes.ts';
import { isTar } from '../base/packing.ts';
import { readWhole } from '../base/read-whole.ts';
import { parseAnySlabinfo, sysfsOfRow } from '../kernel/caches/any-slabinfo.ts';
import {
  checkProcSlabinfo,
  checkSlabSysfs,
  pageSizeOfSlabinfo,
} from '../kernel/caches/recorded-shapes.ts';
import { isSlabAttribute } from '../kernel/caches/slab-cache-sysfs.ts';
import { buildSlabSysfs, parseSlabSysfs, type SlabSysfs } from '../kernel/caches/slab-sysfs.ts';
import { plainText } from './foreign/foreign-file.ts';
import { foreignFile, slabCaptureKind } from './foreign/name-foreign.ts';
import { headOf } from './head-of.ts';
import { notSlabinfo } from './recorded-slabinfo.ts';
import { MAX_SIDECAR_BYTES, type SidecarFiles } from './sidecars.ts';
import { tarEntries } from './tar.ts';

export interface SlabCapture {
  readonly sysfs: SlabSysfs;
  /** True where it is /proc/slabinfo, which tells less. */
  readonly isSlabinfo: boolean;
  /** In bytes, where the capture tells it. */
  readonly pageSize: number | undefined;
  /** What of it could not be used, in sentences. */
  readonly notes: readonly string[];
}

/** What /proc/slabinfo does not tell of a cache, in words. */
const NOT_IN_SLABINFO =
  'slabs on partial lists and on CPUs, flags, aliases, nodes, activity; Objsize counts padding and debug metadata';

/**
 * The capture that a file or folder itself is; undefined where it is none, or standard input.
 * @throws TraceFormatError where it looks like one, and no cache can be read
 */
export function readSlabCapture(path: string): SlabCapture | undefined {
  if (path === STDIN) return undefined;
  const stat = fileStat(path);
  if (stat?.isDirectory()) return ofFolder(path);
  // A trace may be large: no capture is.
  if (!stat?.isFile() || stat.size > MOST_BYTES) return undefined;
  const head = headOf(path);
  const kind = isTar(head) ? 'tar' : slabCaptureKind(head);
  if (kind === undefined) return undefined;
  return ofBytes(path, kind, readWhole(path, MAX_SIDECAR_BYTES, true));
}

/**
 * The capture that comes through standard input or another pipe.
 * @throws TraceFormatError where it is none
 */
export async function readPipedCapture(path: string): Promise<SlabCapture> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readChunks(path, { truncated: false }, true)) {
    length += chunk.length;
    if (length > MOST_BYTES) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const head = bytes.subarray(0, HEAD_BYTES);
  const kind = isTar(head) ? 'tar' : slabCaptureKind(head);
  const capture =
    kind === undefined || length > MOST_BYTES ? undefined : ofBytes(path, kind, bytes);
  if (capture !== undefined) return capture;
  const name = path === STDIN ? 'standard input' : path;
  const what = foreignFile(head)?.title;
  throw new TraceFormatError(
    `${name}: no capture of /sys/kernel/slab or /proc/slabinfo${what === undefined ? '' : `: it is ${what}`}`,
    {
      hint: 'As root: `grep -rH . /sys/kernel/slab | slabreplay slabinfo -`. --from replay reads a trace.',
    },
  );
}

const HEAD_BYTES = 65536;

function ofBytes(
  path: string,
  kind: 'sysfs' | 'slabinfo' | 'tar',
  bytes: Buffer,
): SlabCapture | undefined {
  if (kind === 'tar') return ofTar(path, bytes);
  const text = plainText(bytes);
  return kind === 'sysfs' ? ofSysfs(path, text, '') : captureOfSlabinfo(text, path);
}

/** The largest capture known has 2 MB. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The capture of a text of /proc/slabinfo.
 * @param path names it in messages
 * @throws TraceFormatError where none of its lines is a cache
 */
function captureOfSlabinfo(text: string, path: string): SlabCapture {
  const slabinfo = parseAnySlabinfo(text);
  const { capture, notes } = checkProcSlabinfo(slabinfo);
  if (capture.caches.length === 0) throw notSlabinfo(path, text, 'none of its lines is a cache');
  const bad = slabinfo.badLines;
  const lines = bad === 0 ? [] : [`${path}: ${bad} of its lines are no cache.`];
  return {
    sysfs: buildSlabSysfs(capture.caches.map(sysfsOfRow), []),
    isSlabinfo: true,
    pageSize: pageSizeOfSlabinfo(capture),
    notes: [...lines, ...notes, `/proc/slabinfo does not tell: ${NOT_IN_SLABINFO}.`],
  };
}

/** The same of the files of a recording that has no capture of sysfs. */
export function captureOfRecordedSlabinfo(sidecars: SidecarFiles): SlabCapture | undefined {
  const text = sidecars.text('slabinfo.txt');
  if (text === undefined) return undefined;
  return captureOfSlabinfo(text, sidecars.taken.get('slabinfo.txt') ?? 'slabinfo.txt');
}

function ofSysfs(path: string, text: string, links: string): SlabCapture {
  const { capture, notes } = checkSlabSysfs(parseSlabSysfs(text, links));
  if (capture.caches.length === 0) {
    throw new TraceFormatError(`${path}: a capture of /sys/kernel/slab without a whole cache`, {
      hint: 'Take it again, as root: `grep -rH . /sys/kernel/slab > slab_sysfs.txt`.',
    });
  }
  const named = notes.map((note) => note.replace(/^slab_sysfs\.txt/, path));
  return { sysfs: capture, isSlabinfo: false, pageSize: undefined, notes: named };
}

const SYSFS = '/sys/kernel/slab/';

/** Lines as the files of a recording folder have them. */
class CaptureLines {
  readonly attributes: string[] = [];
  readonly links: string[] = [];

  attribute(id: string, name: string, value: string): void {
    // tar fills up what became shorter than the page that sysfs says it has.
    const text = value.replace(/\0+$/, '').trimEnd();
    if (isSlabAttribute(name)) this.attributes.push(`${SYSFS}${id}/${name}=${text}`);
  }

  link(name: string, target: string): void {
    this.links.push(`${SYSFS}${name} -> ${target}`);
  }

  capture(path: string): SlabCapture {
    return ofSysfs(path, this.attributes.join('\n'), this.links.join('\n'));
  }
}

function ofTar(path: string, bytes: Buffer): SlabCapture | undefined {
  const lines = new CaptureLines();
  for (const entry of tarEntries(bytes)) {
    const parts = entry.path.split('/').filter((part) => part !== '' && part !== '.');
    if (entry.link !== undefined) lines.link(parts.at(-1) ?? '', entry.link);
    else {
      lines.attribute(parts.at(-2) ?? '', parts.at(-1) ?? '', entry.bytes.toString('utf8'));
    }
  }
  return lines.attributes.length === 0 ? undefined : lines.capture(path);
}

/** /sys/kernel/slab itself, a copy of it, or a folder with the whole path in it. */
function ofFolder(path: string): SlabCapture | undefined {
  const top = [join(path, 'sys/kernel/slab'), join(path, 'slab'), path].find((folder) =>
    fileStat(folder)?.isDirectory(),
  );
  if (top === undefined) return undefined;
  const lines = new CaptureLines();
  for (const id of readdirSync(top)) {
    const folder = join(top, id);
    const stat = lstatSync(folder);
    if (stat.isSymbolicLink()) lines.link(id, readlinkSync(folder));
    else if (stat.isDirectory() && fileStat(join(folder, 'object_size'))?.isFile()) {
      for (const name of readdirSync(folder).filter(isSlabAttribute)) {
        lines.attribute(id, name, readAttribute(join(folder, name)));
      }
    }
  }
  return lines.attributes.length === 0 ? undefined : lines.capture(path);
}

/** Some attributes can only be written, and some give errors. */
function readAttribute(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
