// Format `perf-script`: what `perf script` prints of a perf.data with kmem events, by default or with a
// list of fields (-F) that keeps time, event and trace; callchains become the events' stacks.

import type { TraceFormat } from '../format.ts';
import { kmemHandlers } from './kmem-handlers.ts';
import { perfLineGrammar } from './perf-line.ts';
import { detectText } from './survey.ts';
import { TextReader } from './text-reader.ts';

export const perfScriptFormat: TraceFormat = {
  name: 'perf-script',
  title: 'text of perf script',
  carries: 'times in microseconds (--ns: nanoseconds), addresses, symbols, task names, stacks',

  detect: (head) => detectText(head, 'perf-script'),

  open(input, writer, info) {
    return Promise.resolve(
      new TextReader(
        {
          grammar: perfLineGrammar,
          taskStyle: 'blank',
          instances: false,
          frames: 'callchain',
          tracerClock: false,
          handlers: (trace) => kmemHandlers(trace, true),
        },
        input,
        writer,
        info,
      ),
    );
  },
};
