// Addresses of kernel code → file and line, by binutils' addr2line on a vmlinux with debug
// information: one process for all, addresses through its standard input. Its answer (-f -i -a) is
// for each address a line of it, then a function and `file:line` for every function inlined there,
// the innermost first:
//
//   0xffffffff8134a01d
//   kmalloc
//   /build/linux-6.1/./include/linux/slab.h:600 (discriminator 2)
//   ext4_alloc_inode
//   /build/linux-6.1/fs/ext4/super.c:1316

import { spawn } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf, InputError, TraceFormatError } from '../../base/errors.ts';
import { openForReading } from '../../base/random-access-file.ts';
import { ELF_HEADER_BYTES, isElf64, parseElfHeader } from '../../snapshot/image/elf-header.ts';

export interface SourceLine {
  /** In the kernel's tree: `fs/ext4/super.c`. */
  readonly file: string;
  readonly line: number;
  /** The function that was called, not what is inlined in it. */
  readonly function: string;
}

/** Folders at the top of the kernel's tree. */
const TOP_FOLDERS: ReadonlySet<string> = new Set(
  (
    'arch block certs crypto drivers fs include init io_uring ipc kernel lib mm net rust samples ' +
    'security sound usr virt'
  ).split(' '),
);
const PT_LOAD = 1;
const PF_X = 1;
const MAX_HEADERS = 256;

/**
 * Where the code of a vmlinux begins: the lowest address of its executable segments, which is `_text`.
 * @throws TraceFormatError where it is no 64-bit little-endian ELF file
 */
export function linkedText(path: string): bigint {
  const fd = openForReading(path);
  try {
    const head = Buffer.alloc(ELF_HEADER_BYTES);
    if (readSync(fd, head, 0, head.length, 0) !== head.length || !isElf64(head)) {
      throw new TraceFormatError(`${path}: no 64-bit ELF file`, {
        hint: 'Name a vmlinux with debug information, not the packed vmlinuz.',
      });
    }
    const { phoff, phentsize: size, phnum } = parseElfHeader(head);
    const headers = Buffer.alloc(size * Math.min(phnum, MAX_HEADERS));
    const isSane = size >= 56 && Number.isSafeInteger(phoff);
    if (!isSane || readSync(fd, headers, 0, headers.length, phoff) !== headers.length) {
      throw new TraceFormatError(`${path}: its program headers are cut off`);
    }
    let lowest: bigint | undefined;
    for (let at = 0; at < headers.length; at += size) {
      const isCode = headers.readUInt32LE(at) === PT_LOAD && headers.readUInt32LE(at + 4) & PF_X;
      const address = headers.readBigUInt64LE(at + 16);
      if (isCode && (lowest === undefined || address < lowest)) lowest = address;
    }
    if (lowest === undefined) throw new TraceFormatError(`${path}: it holds no code`);
    return lowest;
  } finally {
    closeSync(fd);
  }
}

/**
 * @param addresses as linked; of a call site the byte before its return address
 * @throws InputError where addr2line is missing or fails
 */
export async function readSourceLines(
  path: string,
  addresses: readonly bigint[],
): Promise<Map<bigint, SourceLine>> {
  if (addresses.length === 0) return new Map();
  return parseAnswer(await runAddr2line(path, addresses));
}

function runAddr2line(path: string, addresses: readonly bigint[]): Promise<string> {
  const child = spawn('addr2line', ['-f', '-i', '-a', '-e', path]);
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      const isMissing = errnoOf(error) === 'ENOENT';
      const what = isMissing ? 'addr2line is not installed' : `addr2line: ${error.message}`;
      reject(
        new InputError(what, {
          cause: error,
          hint: 'It is part of binutils; or leave out --vmlinux.',
        }),
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else {
        const [reason] = Buffer.concat(errors).toString('utf8').split('\n');
        reject(new InputError(`addr2line cannot read ${path}: ${reason || `exit code ${code}`}`));
      }
    });
    // It may end before it has read everything; its exit code tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(addresses.map((address) => `0x${address.toString(16)}\n`).join(''));
  });
}

interface Frame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

function parseAnswer(answer: string): Map<bigint, SourceLine> {
  const framesOf = new Map<bigint, Frame[]>();
  let frames: Frame[] = [];
  const lines = answer.split('\n');
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] ?? '';
    if (/^0x[0-9a-f]+$/.test(line)) {
      frames = [];
      framesOf.set(BigInt(line), frames);
      i++;
      continue;
    }
    const [, file, number] = /^(.+):(\d+)(?: \(.*\))?$/.exec(lines[i + 1] ?? '') ?? [];
    if (file !== undefined && file !== '??') {
      frames.push({ function: line, file: posix.normalize(file), line: Number(number) });
    }
    i += 2;
  }
  const root = findRoot([...framesOf.values()].flat().map(({ file }) => file));
  const found = new Map<bigint, SourceLine>();
  for (const [address, own] of framesOf) {
    const outermost = own.at(-1);
    if (outermost === undefined) continue;
    const inTree = own.map((frame) => ({ ...frame, file: withoutRoot(frame.file, root) }));
    // kmalloc() and its like are inlined from headers; the line that called them is needed.
    const caller = inTree.find(({ file }) => !/^(arch\/\w+\/)?include\//.test(file));
    const shown = caller ?? inTree.at(-1);
    if (shown) found.set(address, { ...shown, function: outermost.function });
  }
  return found;
}

/**
 * The folder in which the kernel was built: the one that most files are in a top folder of; the
 * longest of several (`/usr/src/linux/fs/…` is not in a folder `usr` of `/`).
 */
function findRoot(files: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const file of new Set(files)) {
    const parts = file.split('/');
    for (let i = 1; i < parts.length - 1; i++) {
      if (!TOP_FOLDERS.has(parts[i] ?? '')) continue;
      const root = `${parts.slice(0, i).join('/')}/`;
      counts.set(root, (counts.get(root) ?? 0) + 1);
    }
  }
  const best = [...counts].sort((a, b) => b[1] - a[1] || b[0].length - a[0].length)[0];
  return best?.[0] ?? '';
}

function withoutRoot(file: string, root: string): string {
  return root !== '' && file.startsWith(root) ? file.slice(root.length) : file;
}
