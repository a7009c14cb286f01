// slabinfo.txt beside a trace → its caches, or the error that says what the file is instead.

import { TraceFormatError } from '../base/errors.ts';
import { type ProcSlabinfo, parseProcSlabinfo } from '../kernel/caches/proc-slabinfo.ts';
import { PROC_SLABINFO } from './foreign/kernel-files.ts';
import { foreignFile } from './foreign/name-foreign.ts';

/**
 * Reads a file that was recorded as /proc/slabinfo; a part of it will do.
 * @param path names it in messages
 * @throws TraceFormatError where its lines are not those of slabinfo
 */
export function readRecordedSlabinfo(text: string, path: string): ProcSlabinfo {
  const slabinfo = parseProcSlabinfo(text);
  const { caches, badLines, version } = slabinfo;
  // A line that a mail program broke becomes two or three bad ones.
  if (badLines <= 2 * caches.length || text.trim() === '') return slabinfo;
  const isOld = version !== null && !version.startsWith('2.');
  const why = isOld
    ? `it is slabinfo of version ${version}, and beside a trace only 2.x (kernels since 2.6) is read`
    : `${badLines} of its lines are no cache as slabinfo prints one (broken into shorter lines?)`;
  throw notSlabinfo(path, text, why);
}

/** The error for a file of that name which is none. */
export function notSlabinfo(path: string, text: string, why: string): TraceFormatError {
  const kind = foreignFile(Buffer.from(text.slice(0, HEAD_LENGTH), 'utf8'));
  const isOther = kind !== undefined && kind !== PROC_SLABINFO;
  return new TraceFormatError(
    `${path}: not /proc/slabinfo: ${isOther ? `it is ${kind.title}` : why}`,
    {
      hint: 'Take it again: `cat /proc/slabinfo > slabinfo.txt` as root; or leave it out: --no-sidecars.',
    },
  );
}

const HEAD_LENGTH = 65536;
