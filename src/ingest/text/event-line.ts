// One line of an event, its prefix read, on the way to the handler of its event.

/** What became of a line. */
export const OUTCOME = {
  /** An event was written. */
  event: 0,
  /** Not about slab memory. */
  other: 1,
  /** An event that we should read, but cannot. */
  bad: 2,
  /** Belongs to another line (a stack), or says nothing. */
  none: 3,
} as const;

export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** A line [from, to) of `bytes`; reused from line to line. */
export class EventLine {
  readonly bytes: Buffer;
  from = 0;
  to = 0;
  /** Where the event's name begins. */
  name = 0;
  /** Where its fields begin. */
  fields = 0;
  /** Since the origin. */
  ts = 0;
  cpu = 0;
  flags = 0;
  /** Index into Dictionary.tasks. */
  task = 0;
  /** True for a last line without its line feed: it may be cut. */
  unterminated = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Reads the lines of one kind of event. */
export interface LineHandler {
  add(line: EventLine): Outcome;
}
