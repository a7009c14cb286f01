// The line prefix of tracefs and of `trace-cmd report`: `task-pid [cpu] flags time:` and the latency
// forms (trace_print_context() and trace_print_lat_context() in kernel/trace/trace_output.c; tracecmd
// prints the same columns). A task's name may hold anything, brackets and blanks too.

import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { parseIrqFlags } from '../events/irq-flags.ts';
import type { LineGrammar, LinePrefix } from './line-prefix.ts';
import { type LogPrefix, readLogPrefix } from './log-prefix.ts';

//           init-1       (      1) [001] .....    11.930854: kmalloc: …
//           <...>-2204             [000]   147.386774: kmalloc: …
//  [002] ....   808.288897: …          (cut: no task, or only the end of its pid)
const BRACKET =
  /^([\s>|]*(?:\d+\s+)?|.*?-\d+\s+(?:\(\s*(?:\d+|-+)\)\s+)?)\[(\d{1,5})\](\s+)(?:([.\w#*]{4,9})\s+)?(\d{1,20})(?:([.,])(\d{1,9}))?:(?:\s+|$)/;

const CPU = /\[\d+\]\s/;

//     init-1         1..... 22708us+: kmem_cache_free: …
//       sh-866     1.....    62.757201: kmem_cache_alloc: …   (trace-cmd report -l)
const LATENCY =
  /^(.*?-\d+\s+)(\d{1,5})([.dDbBX][.\w]{3,8})\s+(?:(\d{1,20})us[^\w:]?|(\d{1,20})(?:([.,])(\d{1,9}))?):(?:\s+|$)/;

//             init       1   1 0 00000000 00000000 [00cd5d5a] 27.091ms (+0.073ms): kmem_cache_free: …
// pid, cpu, flags (decimal), preempt count, number, time in µs (hex), time since the start
const VERBOSE =
  /^(.*?\s+\d+\s+)(\d{1,5}) (\d{1,3}) ([0-9a-f]{8}) [0-9a-f]{8,16} \[([0-9a-f]{8,16})\] -?[\d.]+(ms)? \([^)]*\):(?:\s+|$)/;

//   4582.600001: kmem_cache_alloc: …       (columns cut off by hand, or by a script)
//  workd-4521  ....  4582.600001: kmalloc: …
const NO_CPU =
  /^[\s>|]*(?:(\S.*?-\d{1,10})\s+)?(?:([.\w#*]{4,9})\s+)?(\d{1,12})([.,])(\d{6,9}):\s+(?=[A-Za-z_][\w.-]*:)/;

//  1287.100144 |   1)               |  /* kmalloc: … */         (function_graph, options/funcgraph-abstime)
//  1287.100144 |   1)  workd-4521    |  d..1 |               |  /* kmalloc: … */    (funcgraph-proc, latency-format)
const GRAPH =
  /^([\s>|]*(\d{1,12})\.(\d{6,9}) \|\s+(?:(\d{1,5})\)\s)?\s*)(?:(\S.*?-\d{1,10})\s+\|\s+)?(?:([.\w]{4,9})\s+\|\s+)?[^/]{0,400}?\/\* /;

/** The first word of an event about slab memory, for lines that have nothing but a log's time. */
const KMEM_NAME =
  /^(?:kmalloc|kfree|kmem_cache_alloc|kmem_cache_free|mm_page_alloc|mm_page_free)(?:_node)?: ?\w/;

const CPU_WIDTH = 3;
const MICROS_DIGITS = 6;

//  inst1:               wl-857   [000]    54.427836: kmalloc: …
const INSTANCE = /^([^\s:]+):\s+/;

/** @param instances true where a line may begin with the name of a tracing instance */
export function taskLineGrammar(instances: boolean): LineGrammar {
  return {
    read(text, prefix) {
      prefix.taskStart = 0;
      prefix.isComment = false;
      const log = readLogPrefix(text);
      if (log === undefined) return readLine(text, prefix, instances);
      const bare = text.slice(log.length);
      if (!readLine(bare, prefix, instances) && !readLogged(bare, log, prefix)) return false;
      // The columns stand elsewhere in each line: such lines are all read with care.
      prefix.layout = undefined;
      prefix.taskStart = log.length;
      prefix.taskEnd += log.length;
      prefix.rest += log.length;
      return true;
    },
  };
}

function readLine(text: string, prefix: LinePrefix, instances: boolean): boolean {
  prefix.instance = instances ? (INSTANCE.exec(text)?.[1] ?? '') : '';
  // A colon in the task is one of its name, or the bracket one of a latency line's text.
  if (readBracket(text, prefix) && !text.slice(0, prefix.taskEnd).includes(': ')) return true;
  return (
    readLatency(text, prefix) ||
    readVerbose(text, prefix) ||
    readBracket(text, prefix) ||
    readGraph(text, prefix) ||
    readWithoutCpu(text, prefix)
  );
}

function readWithoutCpu(text: string, prefix: LinePrefix): boolean {
  const match = NO_CPU.exec(text);
  if (match === null) return false;
  const [all, task, letters, seconds = '', , fraction = ''] = match;
  prefix.setSeconds(seconds, fraction);
  prefix.cpu = 0;
  prefix.flags = letters === undefined ? FLAGS_UNKNOWN : parseIrqFlags(letters);
  prefix.taskEnd = task === undefined ? 0 : all.indexOf(task) + task.length;
  prefix.taskStyle = 'dash';
  prefix.rest = all.length;
  prefix.layout = undefined;
  return true;
}

/** Events between the lines of function_graph: print_graph_comment() in trace_functions_graph.c. */
function readGraph(text: string, prefix: LinePrefix): boolean {
  const match = GRAPH.exec(text);
  if (match === null) return false;
  const [all, before = '', seconds = '', fraction = '', cpu, task, letters] = match;
  prefix.setSeconds(seconds, fraction);
  prefix.cpu = Number(cpu ?? 0);
  prefix.flags = letters === undefined ? FLAGS_UNKNOWN : parseIrqFlags(letters);
  prefix.taskStart = before.length;
  prefix.taskEnd = before.length + (task?.length ?? 0);
  prefix.taskStyle = 'dash';
  prefix.rest = all.length;
  prefix.isComment = true;
  prefix.layout = undefined;
  return true;
}

/** tp_printk: the event alone, with the time of the log (output_printk() in kernel/trace/trace.c). */
function readLogged(text: string, log: LogPrefix, prefix: LinePrefix): boolean {
  const { seconds, fraction } = log;
  if (seconds === undefined || fraction === undefined || !KMEM_NAME.test(text)) return false;
  prefix.setSeconds(seconds, fraction);
  prefix.instance = '';
  prefix.cpu = 0;
  prefix.flags = FLAGS_UNKNOWN;
  prefix.taskEnd = 0;
  prefix.taskStyle = 'dash';
  prefix.rest = 0;
  return true;
}

function readBracket(text: string, prefix: LinePrefix): boolean {
  if (!CPU.test(text)) return false; // soon said of the latency forms
  const match = BRACKET.exec(text);
  if (match === null) return false;
  const [all, task = '', cpu = '', gap, letters = '', time = '', point, fraction] = match;
  prefix.cpu = Number(cpu);
  prefix.flags = letters === '' ? FLAGS_UNKNOWN : parseIrqFlags(letters);
  if (fraction === undefined) prefix.setWhole(time);
  else prefix.setSeconds(time, fraction);
  prefix.taskEnd = task.length;
  prefix.taskStyle = 'dash';
  prefix.rest = all.length;
  const regular =
    cpu.length === 3 &&
    (letters === '' || (gap === ' ' && prefix.flags !== FLAGS_UNKNOWN && letters.length <= 5));
  prefix.layout = regular
    ? {
        cpu: task.length,
        brackets: true,
        flagsWidth: letters.length,
        fraction: fraction?.length ?? 0,
        point: (point ?? '.').charCodeAt(0),
        micros: false,
      }
    : undefined;
  return true;
}

function readLatency(text: string, prefix: LinePrefix): boolean {
  const match = LATENCY.exec(text);
  if (match === null) return false;
  const [all, task = '', cpu = '', letters = '', micros, time = '', point = '.', fraction] = match;
  prefix.cpu = Number(cpu);
  prefix.flags = parseIrqFlags(letters);
  if (micros !== undefined) prefix.setMicros(micros);
  else if (fraction === undefined) prefix.setWhole(time);
  else prefix.setSeconds(time, fraction);
  // The CPU has three columns, blanks before its digits.
  const column = task.length + cpu.length - CPU_WIDTH;
  const regular = prefix.flags !== FLAGS_UNKNOWN && column > task.trimEnd().length;
  prefix.taskEnd = regular ? column : task.length;
  prefix.taskStyle = 'dash';
  prefix.rest = all.length;
  prefix.layout = regular
    ? {
        cpu: column,
        brackets: false,
        flagsWidth: letters.length,
        fraction: micros === undefined ? (fraction?.length ?? 0) : MICROS_DIGITS,
        point: point.charCodeAt(0),
        micros: micros !== undefined,
      }
    : undefined;
  return true;
}

function readVerbose(text: string, prefix: LinePrefix): boolean {
  const match = VERBOSE.exec(text);
  if (match === null) return false;
  const [all, task = '', cpu, flags, preempt, time = '', inNs] = match;
  prefix.cpu = Number(cpu);
  // It prints only the low half of the preempt count: no migrate-disable depth.
  prefix.flags = (Number(flags) & 0xff) | ((Number.parseInt(preempt ?? '', 16) & 0xff) << 8);
  const ticks = BigInt(`0x${time}`).toString();
  if (inNs === undefined) prefix.setWhole(ticks);
  else prefix.setMicros(ticks);
  prefix.taskEnd = task.length;
  prefix.taskStyle = 'blank';
  prefix.rest = all.length;
  prefix.layout = undefined;
  return true;
}
