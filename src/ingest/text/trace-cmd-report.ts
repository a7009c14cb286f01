// Format `trace-cmd-report`: what `trace-cmd report` prints of a trace.dat, also with -R (raw fields),
// -l (latency columns), -t (nanoseconds) and in the forms of older versions.

import type { TraceFormat } from '../format.ts';
import { kmemHandlers } from './kmem-handlers.ts';
import { detectText } from './survey.ts';
import { taskLineGrammar } from './task-line.ts';
import { TextReader } from './text-reader.ts';

export const traceCmdReportFormat: TraceFormat = {
  name: 'trace-cmd-report',
  title: 'text of trace-cmd report',
  carries:
    'times in microseconds (-t: nanoseconds), addresses, symbols, task names, lost events, stacks',

  detect: (head) => detectText(head, 'trace-cmd-report'),

  open(input, writer, info) {
    return Promise.resolve(
      new TextReader(
        {
          grammar: taskLineGrammar(true),
          taskStyle: 'dash',
          instances: true,
          frames: 'arrow',
          tracerClock: true,
          record: 'trace-cmd record -e kmem',
          handlers: (trace) => kmemHandlers(trace, false),
        },
        input,
        writer,
        info,
      ),
    );
  },
};
