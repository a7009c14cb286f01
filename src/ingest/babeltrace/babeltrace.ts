// Format `babeltrace`: what babeltrace prints of a kernel trace of LTTng, with or without contexts
// (procname, tid, callstack-kernel).

import type { TraceFormat } from '../format.ts';
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

  open(input, writer, info) {
    return Promise.resolve(
      new TextReader(
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
      ),
    );
  },
};
