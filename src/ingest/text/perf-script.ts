// Format `perf-script`: what `perf script` prints of a perf.data with kmem events, by default or with a
// list of fields (-F) that keeps time, event and trace; callchains become the events' stacks.

import { TraceFormatError } from '../../base/errors.ts';
import type { TraceFormat } from '../format.ts';
import { hasDeltaTimes } from './delta-times.ts';
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
    if (hasDeltaTimes(input.head, perfLineGrammar)) {
      const error = new TraceFormatError(
        `${input.path}: its times step back again and again: they are differences (perf script --deltatime)`,
        { hint: 'Print it without --deltatime: perf script > trace.txt' },
      );
      return Promise.reject(error);
    }
    return Promise.resolve(
      new TextReader(
        {
          grammar: perfLineGrammar,
          taskStyle: 'blank',
          instances: false,
          frames: 'callchain',
          tracerClock: false,
          record: "perf record -a -e 'kmem:*'",
          handlers: (trace) => kmemHandlers(trace, true),
        },
        input,
        writer,
        info,
      ),
    );
  },
};
