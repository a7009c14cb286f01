// Memory as debuggers print it → words at virtual addresses.
// crash `rd`:   ffff888003a40000:  0000000000000001 ffff888003a40040   ........@.......
// gdb `x/gx`:   0xffffffff82a1a940 <init_task>:\t0x0000000000004000\t0x0000000000000000
// Words of 16 hex digits have 64 bits, of 8 (`rd -32`, `x/wx`) 32. What is in another column (the
// letters of rd, after three blanks) is passed over; a word that is none (a symbol, by `rd -s`, or
// "Cannot access memory") leaves its place missing.

/** The address, what gdb calls it, and everything behind the colon. */
const LINE = /^(?:0x)?([0-9a-f]{16})(?:\s+<[^>]*>)?:(\s.*)$/;
const WORD = /^(?:0x)?([0-9a-f]{16}|[0-9a-f]{8})$/;
/** Where rd's column of letters begins. */
const LETTERS = /\s {2,}\S/;

export interface WordLine {
  readonly address: bigint;
  /** Each word with its bytes (4 or 8), undefined where it is no number. */
  readonly words: readonly (WordValue | undefined)[];
}

interface WordValue {
  readonly hi: number;
  readonly lo: number;
  readonly bytes: 4 | 8;
}

/** A line of memory, or undefined where it is something else (a prompt, a command, a comment). */
export function parseWordLine(line: string): WordLine | undefined {
  const [, address, rest] = LINE.exec(line.trimEnd()) ?? [];
  if (address === undefined || rest === undefined) return undefined;
  const trimmed = rest.trimStart();
  const letters = LETTERS.exec(trimmed);
  const columns = letters === null ? trimmed : trimmed.slice(0, letters.index);
  if (columns === '') return undefined;
  return { address: BigInt(`0x${address}`), words: columns.split(/\s+/).map(parseWord) };
}

function parseWord(text: string): WordValue | undefined {
  const [, digits] = WORD.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const lo = Number.parseInt(digits.slice(-8), 16);
  return digits.length === 16
    ? { hi: Number.parseInt(digits.slice(0, 8), 16), lo, bytes: 8 }
    : { hi: 0, lo, bytes: 4 };
}

/** True where text shows memory in its first lines, else why it is not taken for that. */
export function detectWordText(head: Buffer): true | string {
  if (head.includes(0)) return 'not text';
  const lines = head.toString('latin1').split('\n');
  if (lines.some((l) => parseWordLine(l)?.words.some((w) => w !== undefined))) return true;
  return 'no line like `ffff888003a40000:  0000000000000001 …`';
}
