// The line prefix of `perf script`: perf_sample__fprintf_start() in tools/perf/builtin-script.c.
// Which columns there are depends on -F; their order does not:
//
//             perf  1002 [000]   144.249187:          kmem:kmalloc: …
//             perf  1002/1002  [000]   144.249187862:          1          kmem:kmalloc: …
//   144.249187:          kmem:kmalloc: …

import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import type { LineGrammar } from './line-prefix.ts';

/** Task and pid, CPU, mode letters of `-F +misc`, time. */
const PERF =
  /^((?:.*?\s)?)(?:\[(\d{1,5})\]\s+)?(?:[A-Z]{1,4}\s+)?(\d{1,12})([.,])(\d{6,9}):(?:\s+|$)/;

export const perfLineGrammar: LineGrammar = {
  read(text, prefix) {
    const match = PERF.exec(text);
    if (match === null) return false;
    const [all, task = '', cpu, seconds = '', point = '.', fraction = ''] = match;
    prefix.cpu = Number(cpu ?? 0);
    prefix.flags = FLAGS_UNKNOWN;
    prefix.setSeconds(seconds, fraction);
    prefix.taskStart = 0;
    prefix.isComment = false;
    prefix.taskEnd = task.length;
    prefix.taskStyle = 'blank';
    prefix.instance = '';
    prefix.rest = all.length;
    prefix.layout =
      cpu?.length === 3
        ? {
            cpu: task.length,
            brackets: true,
            flagsWidth: 0,
            fraction: fraction.length,
            point: point.charCodeAt(0),
            micros: false,
          }
        : undefined;
    return true;
  },
};
