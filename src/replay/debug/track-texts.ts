// The tracks of an object in the words of SLUB's reports.

import type { ObjectTrack } from '../../kernel/checks/slub-reports.ts';
import type { CallTable, TaskTable } from '../../kernel/events/dictionary.ts';
import type { Call } from '../../kernel/indices.ts';
import type { ObjectTracks, TRACK } from './object-tracks.ts';

export interface TrackTextsInput {
  readonly calls: CallTable;
  readonly tasks: TaskTable;
  readonly tracks: ObjectTracks;
  /** Jiffies in a unit of the trace's clock; null where either is not known. */
  readonly jiffiesPerTick: number | null;
  /** A call site as %pS prints it; null where nothing names it. */
  readonly siteText: (site: number) => string | null;
  /** The frames of a stack, the innermost first. */
  readonly stackText: (stack: number) => string[];
}

export class TrackTexts {
  /** The time of the event at hand, as `EventBatch.ts`. */
  now = 0;
  private readonly input: TrackTextsInput;

  constructor(input: TrackTextsInput) {
    this.input = input;
  }

  /** Undefined where the object has no such track. */
  get(slot: number, item: (typeof TRACK)[keyof typeof TRACK]): ObjectTrack | undefined {
    const { tracks, tasks, jiffiesPerTick, stackText } = this.input;
    const call = tracks.call(slot, item);
    if (call === 0) return undefined;
    const stack = tracks.stack(slot, item);
    const since = this.now - tracks.time(slot, item);
    return {
      site: this.siteOf(call),
      age: jiffiesPerTick === null ? null : Math.max(0, Math.floor(since * jiffiesPerTick)),
      cpu: tracks.cpu(slot, item),
      pid: tasks.pid(tracks.task(slot, item)),
      stack: stack === 0 ? null : stackText(stack),
    };
  }

  siteOf(call: Call): string | null {
    const site = this.input.calls.site(call);
    return site === 0 ? null : this.input.siteText(site);
  }
}
