// Format `babeltrace`: what babeltrace prints of a kernel trace of LTTng, with or without contexts
// (procname, tid, callstack-kernel).

import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { detectText } from '../text/survey.ts';
import { TextReader } from '../text/text-reader.ts';
import { babeltraceLineGrammar } from './babeltrace-line.ts';
import { babeltraceHandlers } from './braced-events.ts';

export const babeltraceFormat: TraceFormat = {
  name: 'babeltrace',
  title: 'text of babeltrace of a kernel trace of LTTng or perf',
  carries:
    'times of day in nanoseconds, addresses; task names and stacks where recorded as contexts',

  detect: (head) => detectText(head, 'babeltrace'),

  open: (input, writer, info) => Promise.resolve(openBabeltrace(input, writer, info)),
};

/** Reads the text that babeltrace prints. */
export function openBabeltrace(
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): TraceReader {
  return new TextReader(
    {
      grammar: babeltraceLineGrammar(),
      taskStyle: 'blank',
      instances: false,
      frames: 'arrow',
      tracerClock: false,
      record: "lttng enable-event --kernel 'kmem_*'",
      handlers: babeltraceHandlers,
    },
    input,
    writer,
    info,
  );
}
