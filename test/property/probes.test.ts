// Calls and returns of probes, of several tasks mixed, nested as interrupts and reclaim nest them:
// every return that was seen finds its own call, whatever others are missed.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TraceFormatError } from '../../src/base/errors.ts';
import { readTraceBytes } from '../helpers/read-trace.ts';

/** A call with the calls that happen inside it. */
interface Call {
  readonly func: string;
  readonly inner: readonly Call[];
  readonly seesReturn: boolean;
}

const { call } = fc.letrec<{ call: Call; inner: readonly Call[] }>((tie) => ({
  call: fc.record({
    func: fc.constantFrom('kmalloc_a', 'kmalloc_b', 'kmem_cache_alloc'),
    inner: tie('inner'),
    seesReturn: fc.constant(true),
  }),
  inner: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('call'), { maxLength: 2 })),
}));

/** What one task does, as lines without a time, and what must be told of it, in order. */
function unroll(calls: readonly Call[], pid: number): { lines: string[]; told: string[] } {
  const lines: string[] = [];
  const told: string[] = [];
  let object = 0;
  const run = ({ func, inner, seesReturn }: Call): void => {
    const size = ++object;
    const task = `  t-${pid} [00${pid % 2}] .....`;
    lines.push(`${task} TIME: ${func}_p: (${func}+0x0/0x9) size=${size}`);
    for (const next of inner) run(next);
    if (!seesReturn) return;
    const ret = (pid * 65536 + size).toString(16);
    lines.push(`${task} TIME: ${func}_r: (f${size}+0x1/0x2 <- ${func}) ret=0xffff8880${ret}`);
    told.push(`${pid} ffff8880${ret} ${size} f${size}+0x1`);
  };
  for (const one of calls) run(one);
  return { lines, told };
}

/** Takes lines of the tasks in turn, as `order` says. */
function mix(tasks: readonly { lines: string[] }[], order: readonly number[]): string {
  const rest = tasks.map(({ lines }) => [...lines]);
  const mixed: string[] = [];
  for (let i = 0; rest.some((lines) => lines.length > 0); i++) {
    const left = rest.filter((lines) => lines.length > 0);
    mixed.push(left[(order[i % order.length] ?? 0) % left.length]?.shift() ?? '');
  }
  return `# tracer: nop\n${mixed
    .map((line, i) => line.replace('TIME', `1.${String(i).padStart(6, '0')}`))
    .join('\n')}\n`;
}

const workload = fc.record({
  tasks: fc.array(fc.array(call, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  order: fc.array(fc.nat(7), { minLength: 1, maxLength: 20 }),
});

test('every return finds its own call', async () => {
  await fc.assert(
    fc.asyncProperty(workload, async ({ tasks, order }) => {
      const made = tasks.map((calls, i) => unroll(calls, i + 1));
      const read = await readTraceBytes(mix(made, order), { format: 'ftrace-text' });
      expect(read.stats).toEqual({});
      for (const [i, { told }] of made.entries()) {
        const own = read.events().filter(({ pid }) => pid === i + 1);
        const texts = own.map((e) => `${e.pid} ${e.ptr.toString(16)} ${e.bytesReq} ${e.site}`);
        expect(texts).toEqual(told);
      }
    }),
    { seed: 11, numRuns: 150 },
  );
});

/** Loses the returns of some calls; a call of the same function inside them keeps its own. */
function lose(calls: readonly Call[], which: readonly boolean[], at = { i: 0 }): Call[] {
  return calls.map((one) => ({
    ...one,
    seesReturn: which[at.i++ % which.length] ?? true,
    inner: lose(one.inner, which, at),
  }));
}

test('missed returns cost their own allocation, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 6 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
      async (calls, which) => {
        const { lines, told } = unroll(lose(calls, which), 1);
        const text = mix([{ lines }], [0]);
        const read = await readTraceBytes(text, { format: 'ftrace-text' });
        const returned = (e: { ptr: bigint }): string => e.ptr.toString(16);
        expect(read.events().map(returned)).toEqual(told.map((line) => line.split(' ')[1]));
      },
    ),
    { seed: 12, numRuns: 150 },
  );
});

test('any text in the fields makes an event, or is counted', async () => {
  const piece = fc.constantFrom(
    ...[
      'ptr',
      'size',
      'n',
      'p',
      'ret',
      'cache',
      'value',
      '=',
      '={',
      '}',
      ',',
      ' ',
      '0x',
      '-',
      '(nil)',
    ],
    ...['7', '18446744073709551616', 'ffff888001000000', '<- kfree', ')', '(', '+0x4/0x9 [m]', '"'],
  );
  const place = fc.constantFrom('(kfree+0x0/0x9)', '(f+0x1/0x2 <- kmalloc_x)', '(kmalloc_x)', '');
  const line = fc
    .tuple(fc.constantFrom('kfree', 'a_p', 'write_b', 'bulkfree2'), place, fc.array(piece))
    .map(([name, where, parts]) => `  t-1 [000] ..... 1.5: ${name}: ${where} ${parts.join('')}\n`);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
      const text = `# tracer: nop\n${lines.join('')}`;
      const read = await readTraceBytes(text, { format: 'ftrace-text' }).catch((error: unknown) => {
        // Where no event has a named field, the text is refused.
        if (error instanceof TraceFormatError && /without fields|have no names/.test(error.message))
          return;
        throw error;
      });
      const { bad_line = 0, other_events = 0 } = read?.stats ?? {};
      // A line may also be half of a call, and one of a bulk free many events.
      expect(bad_line + other_events).toBeLessThanOrEqual(lines.length);
    }),
    { seed: 13, numRuns: 300 },
  );
});
