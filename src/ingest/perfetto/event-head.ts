// FtraceEvent (protos/perfetto/trace/ftrace/ftrace_event.proto): the part that all events have.

import { NO_THREAD } from '../events/task-names.ts';
import type { WireReader } from './wire.ts';

const EVENT = { timestamp: 1, pid: 2 } as const;

/** The common part of an event, and where its own part lies; reused from event to event. */
export class EventHead {
  hasTime = false;
  timeLo = 0;
  timeHi = 0;
  pid: number = NO_THREAD;
  /** Of its message in FtraceEvent; 0: it has none. */
  number = 0;
  from = 0;
  to = 0;

  read(reader: WireReader, from: number, to: number): void {
    this.hasTime = false;
    this.pid = NO_THREAD;
    this.number = 0;
    reader.pos = from;
    while (reader.next(to)) {
      const { field } = reader;
      if (reader.isRange) {
        reader.range(to);
        if (this.number > 0) continue;
        this.number = field;
        this.from = reader.from;
        this.to = reader.to;
      } else if (!reader.isVarint) reader.pass(to);
      else {
        reader.word();
        if (field === EVENT.pid) this.pid = reader.lo;
        else if (field === EVENT.timestamp) {
          this.hasTime = true;
          this.timeLo = reader.lo;
          this.timeHi = reader.hi;
        }
      }
    }
  }
}
