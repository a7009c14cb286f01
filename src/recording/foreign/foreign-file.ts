// A file that is no trace, by its first bytes → what it is, and what to do with it. Everything that
// people take for a trace, or have beside one, is a row of one of the tables here: kernel-files.ts,
// tool-outputs.ts, documents.ts and binary-files.ts.

/** A kind of file that holds no events. */
export interface ForeignFile {
  /** What it is, behind "it is": `/proc/meminfo`, `the output of slabtop`. */
  readonly title: string;
  /** What to do instead, in sentences. FILE stands for the file's path. */
  readonly advice: string;
}

/** A kind of text. */
export interface ForeignText extends ForeignFile {
  /** Lines that only it has, in a text as `plainText` gives it; global. */
  readonly mark: RegExp;
}

/** A kind of binary file, told by its first bytes. */
export interface ForeignBinary extends ForeignFile {
  matches(head: Buffer): boolean;
}

// A cursor movement or colour of a terminal; what a mail puts before a line; what grep -H puts there.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const ESCAPES = /\x1b\[[\d;?]*[A-Za-z]/g;
const LINE_START = /^(?:[>|][>| ]*)?[ \t]*(?:\/proc\/\w+:[ \t]*)?/gm;

/** The first bytes of a text with each line as its program printed it, without what indents it. */
export function plainText(head: Uint8Array): string {
  return Buffer.from(head)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .replace(/\r+$/gm, '')
    .replace(ESCAPES, '')
    .replace(LINE_START, '');
}

/** The kind of which a text has most marks; of equals the first. A mail may quote several. */
export function findText(text: string, kinds: readonly ForeignText[]): ForeignText | undefined {
  let found: ForeignText | undefined;
  let most = 0;
  for (const kind of kinds) {
    const count = text.match(kind.mark)?.length ?? 0;
    if (count > most) {
      most = count;
      found = kind;
    }
  }
  return found;
}
