// Reads one input from front to back: finds its format, hands out batches. The one code path for
// reading, whether in a worker thread or in the main one.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { emptyTraceInfo, type TraceInfo } from '../kernel/events/trace-info.ts';
import { TraceStats } from '../kernel/events/trace-stats.ts';
import { foreignFile } from '../recording/foreign/name-foreign.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { BatchWriter } from './events/batch-writer.ts';
import type { TraceReader } from './format.ts';
import { detectFormat, foreignError, formatByName } from './formats.ts';
import { isNothing, nothingRecorded } from './nothing-recorded.ts';
import { type InputDescription, openInput } from './open-input.ts';

/** What reading gives beside the batches. */
export interface EventsRead {
  readonly info: TraceInfo;
  readonly stats: TraceStats;
  readonly sidecars: SidecarFiles;
}

export interface ReadControl {
  /** Told when the input is open, before its first batch: the files beside it and inside it. */
  opened(sidecars: SidecarFiles): void;
  /**
   * Takes a full batch.
   * @param info what is known of the trace so far; its origin always is
   */
  emit(batch: EventBatch, info: TraceInfo): void;
  /** A batch to fill; waits where the receiver has fallen behind. */
  obtain(): EventBatch;
  /**
   * Told after each step how much of the input was read (0 to 1; 0 where that is not known). The next
   * step waits for what it returns.
   */
  progress(fraction: number): void | Promise<void>;
  /** True where reading shall end as if the input ended here. */
  readonly stopped: boolean;
}

/**
 * @param dictionary is filled as events are read
 * @param beside the files beside the input, where somebody opened them already
 * @throws ToolError where the input cannot be read
 */
export async function readEvents(
  description: InputDescription,
  dictionary: Dictionary,
  control: ReadControl,
  beside?: SidecarFiles,
): Promise<EventsRead> {
  const named =
    description.format === undefined ? undefined : await formatByName(description.format);
  const opened = await openInput(description, beside);
  const { input, sidecars } = opened;
  const stats = new TraceStats();
  let info: TraceInfo;
  let writer: BatchWriter;
  let reader: TraceReader;
  try {
    const format = named ?? (await detectFormat(input.head, input.path));
    info = emptyTraceInfo(format.name);
    const outlet = {
      emit: (batch: EventBatch) => control.emit(batch, info),
      obtain: () => control.obtain(),
    };
    writer = new BatchWriter(dictionary, stats, outlet, info);
    reader = await format.open(input, writer, info);
  } catch (error) {
    await opened.close();
    throw error;
  }
  try {
    control.opened(sidecars);
    while (!control.stopped && (await reader.step())) {
      await control.progress(reader.progress());
    }
  } finally {
    reader.close();
  }
  writer.finish();
  // Of probes alone it is told elsewhere what they may mean, and what --map lacks.
  const hasProbes = info.probes.length > 0 || input.maps.length > 0;
  if (!control.stopped && !hasProbes && isNothing(dictionary)) {
    const seen = reader.seen?.();
    const foreign = seen !== undefined && foreignFile(input.head);
    if (foreign) throw foreignError(input.path, foreign);
    if (seen !== undefined) throw nothingRecorded(input.path, seen);
  }
  return { info, stats, sidecars };
}
