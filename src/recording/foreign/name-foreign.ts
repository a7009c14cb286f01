// The kind of a file that is no trace, by its first bytes.

import { BINARY_FILES } from './binary-files.ts';
import { DOCUMENTS } from './documents.ts';
import { type ForeignFile, findText, plainText } from './foreign-file.ts';
import { KERNEL_FILES, KERNEL_LOG, KMEMLEAK, PROC_SLABINFO, SLAB_SYSFS } from './kernel-files.ts';
import { TOOL_OUTPUTS } from './tool-outputs.ts';

const TEXTS = [...TOOL_OUTPUTS, ...KERNEL_FILES, KERNEL_LOG];

/** The kind of file that begins with these bytes; undefined where it is none that is known. */
export function foreignFile(head: Uint8Array): ForeignFile | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const binary = BINARY_FILES.find(({ matches }) => matches(bytes));
  if (binary !== undefined || head.includes(0)) return binary;
  const text = plainText(head);
  return DOCUMENTS.find(({ mark }) => mark.test(text)) ?? findText(text, TEXTS);
}

/** Which capture of the kernel's caches a file is; undefined where it is none. */
export function slabCaptureKind(head: Uint8Array): 'sysfs' | 'slabinfo' | undefined {
  const kind = foreignFile(head);
  if (kind === SLAB_SYSFS) return 'sysfs';
  return kind === PROC_SLABINFO ? 'slabinfo' : undefined;
}

/** True for kmemleak's list of objects. */
export function isKmemleakList(head: Uint8Array): boolean {
  return foreignFile(head) === KMEMLEAK;
}
