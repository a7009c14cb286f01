// Names from a trace (tasks, symbols, caches) as they may be shown on a terminal or in a mail:
// whatever could move the cursor, change colours, break the line or turn the direction of the text
// is shown as its code, `\x1b` or `\u202e`. A task may have any bytes as its name (prctl PR_SET_NAME).

/**
 * Cc: C0, DEL, C1. Cf: bidi marks, embeddings, overrides and isolates, zero-width characters, tags.
 * Zl, Zp: line and paragraph separator. Cs: halves of surrogate pairs that stand alone.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A name with everything that is not plain text shown as `\x1b`, `\u202e` or `\u{e0001}`. */
export function escapeText(text: string): string {
  // Nearly all names are printable ASCII.
  return /^[ -~]*$/.test(text) ? text : text.replace(UNSAFE, escapeCharacter);
}

/** A message that holds names of files, columns or tasks: its lines stay lines. */
export function escapeMessage(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

/** A name as one word of a shell command that can be copied: quoted where the shell would act on it. */
export function shellWord(text: string): string {
  const plain = escapeText(text);
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  const hex = code.toString(16).padStart(4, '0');
  return code <= 0xffff ? `\\u${hex}` : `\\u{${hex}}`;
}
