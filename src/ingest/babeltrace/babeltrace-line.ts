// The line prefix of babeltrace for a kernel trace of LTTng. Contexts stand in braces between the
// name and the fields; their order is not fixed.
//
//   [10:04:11.123456789] (+0.000001234) host kmem_kmalloc: { cpu_id = 0 }, { procname = "sh", tid = 12 }, { call_site = 0xFFFF…, ptr = 0xFFFF…, … }
//   [2026-11-20 10:04:11.123456789] …      --clock-date
//   [1763633051.123456789] …               --clock-seconds
//   [00:29:31.812339615] (+?.?????????) kmem:kmalloc: { cpu_id = 1 }, { perf_ip = 0xFFFF…, perf_tid = 3045, … }    of perf
//
// Times are of the day: one that steps back by more than half a day is of the next day.

import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { nanosOf } from '../events/text-clock.ts';
import type { LineGrammar } from '../text/line-prefix.ts';

const LINE =
  /^[>|\s]*\[(?:(\d{4})-(\d\d)-(\d\d) )?(?:(\d\d):(\d\d):(\d\d)|(\d{1,12}))[.,](\d{9})\] (?:\([+-][^)]*\) )?(?:[^\s:{]+(?::[^\s{:]+)* )?(?=(?:\w+:)?\w+: \{)/;
const CPU = /\bcpu_id = (\d+)/;

const DAY = 86400;

export function babeltraceLineGrammar(): LineGrammar {
  let day = 0;
  let lastTime = -1;
  return {
    read(text, prefix) {
      const match = LINE.exec(text);
      if (match === null) return false;
      const [all, year, month, date, hours, minutes, seconds, whole, nanos = ''] = match;
      prefix.hi = Number(whole ?? 0);
      if (hours !== undefined) {
        const time = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
        if (year !== undefined) {
          day = Date.UTC(Number(year), Number(month) - 1, Number(date)) / 1000 / DAY;
        } else if (time < lastTime - DAY / 2) day++;
        lastTime = time;
        prefix.hi = day * DAY + time;
      }
      prefix.lo = nanosOf(nanos);
      prefix.whole = false;
      prefix.cpu = Number(CPU.exec(text)?.[1] ?? 0);
      prefix.flags = FLAGS_UNKNOWN;
      prefix.taskStart = 0;
      prefix.isComment = false;
      prefix.taskEnd = 0;
      prefix.taskStyle = 'blank';
      prefix.instance = '';
      prefix.rest = all.length;
      prefix.layout = undefined;
      return true;
    },
  };
}
