// A file of printed words, read in pieces, line by line.

import { TraceFormatError } from '../../base/errors.ts';
import type { Findings } from '../findings.ts';
import { type PrintedSpace, PrintedWords } from '../memory/printed-space.ts';
import type { ImageBytes } from './physical-image.ts';

const AT_A_TIME = 1024 * 1024;
/** A line of memory has a hundred characters; what is longer is something else. */
const MAX_LINE = 64 * 1024;

/** @throws TraceFormatError where it is no text, or more than text is good for */
export function readWordText(bytes: ImageBytes, findings: Findings): PrintedSpace {
  const words = new PrintedWords(findings);
  let rest = '';
  for (let at = 0; at < bytes.size; ) {
    const chunk = bytes.slice(at, AT_A_TIME);
    if (chunk.length === 0) break;
    at += chunk.length;
    if (chunk.includes(0)) {
      throw new TraceFormatError(`${bytes.path}: text at its start, binary data further on`);
    }
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) words.line(line);
    if (rest.length > MAX_LINE) rest = rest.slice(0, MAX_LINE);
  }
  words.line(rest);
  return words.build();
}
