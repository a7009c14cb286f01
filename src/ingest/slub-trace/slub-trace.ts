// Format `slub-trace`: what SLUB itself prints of a cache whose `trace` is set (/sys/kernel/slab/NAME/trace,
// slub_debug=T): trace() in mm/slub.c, 2.6.22 to 7.x. People use it where a kernel has no tracer.

import { TRACE_MARK } from '../../kernel/memory-reports/log-lines.ts';
import { stripPrefix } from '../../kernel/memory-reports/log-prefix.ts';
import type { TraceFormat } from '../format.ts';
import { SlubTraceReader } from './slub-trace-reader.ts';

/** Bytes that are looked at; a longer log may have its first event behind them. */
const HEAD_BYTES = 65536;
/** The first message of a boot. */
const BOOT = /\bLinux version \d+\.\d+\S* \(/;

export const slubTraceFormat: TraceFormat = {
  name: 'slub-trace',
  title: "SLUB's own TRACE lines in a kernel log (slub_debug=T)",
  carries: 'names of caches, symbols, tasks, stacks; the sizes of kmalloc caches; no gfp flags',

  detect(head) {
    const text = Buffer.from(head).toString('latin1');
    if (TRACE_MARK.test(text)) return true;
    if (head.length >= HEAD_BYTES && BOOT.test(text) && isTimed(text)) return true;
    return 'no line of it is a TRACE line of SLUB';
  },

  open: (input, writer, info) => Promise.resolve(new SlubTraceReader(input, writer, info)),
};

/** True where most of the lines have the time since boot. */
function isTimed(text: string): boolean {
  const lines = text.split('\n').slice(1, 101);
  return lines.filter((line) => stripPrefix(line).atSec !== null).length > lines.length / 2;
}
