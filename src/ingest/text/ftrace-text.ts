// Format `ftrace-text`: what tracefs shows in `trace` and `trace_pipe`, with any of the options that
// keep the fields readable (kernel/trace/trace.c, trace_output.c; 2.6.3x to 7.2).

import type { TraceFormat } from '../format.ts';
import { kmemHandlers } from './kmem-handlers.ts';
import { detectText } from './survey.ts';
import { taskLineGrammar } from './task-line.ts';
import { TextReader } from './text-reader.ts';

export const ftraceTextFormat: TraceFormat = {
  name: 'ftrace-text',
  title: 'text of tracefs: trace, trace_pipe',
  carries:
    'times in microseconds, symbols, task names, lost events, stacks; pointers may be hashed',

  detect: (head) => detectText(head, 'ftrace-text'),

  open(input, writer, info) {
    return Promise.resolve(
      new TextReader(
        {
          grammar: taskLineGrammar(false),
          taskStyle: 'dash',
          instances: false,
          frames: 'arrow',
          tracerClock: true,
          record: 'trace-cmd record -e kmem, or echo 1 > /sys/kernel/tracing/events/kmem/enable',
          handlers: (trace) => kmemHandlers(trace, false),
        },
        input,
        writer,
        info,
      ),
    );
  },
};
