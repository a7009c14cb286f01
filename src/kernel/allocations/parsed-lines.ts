// What was read of a text of lines, and what was not.

export interface ParsedLines<Row> {
  readonly rows: readonly Row[];
  /** Lines that are none of the text's. */
  readonly badLines: number;
  /** The first of them, from 1. */
  readonly firstBad: number | null;
}
