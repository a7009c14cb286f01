// Wrong frees in traces of kernels without debug flags: found where nothing else explains them, and not
// reported where something may.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findDefects } from '../../../../src/analysis/lint/lint-run.ts';
import { temporaryFolder } from '../../../helpers/run-cli.ts';

const BASE = 0xffff888001000000n;
const A = BASE + 0x40n;

/** One line of ftrace text, at milliseconds from 100 s on. */
function line(
  ms: number,
  event: string,
  ptr: bigint,
  fields: string,
  cpu = 0,
  task = 'sh-7',
): string {
  const sec = (100 + ms / 1000).toFixed(6);
  const at = `0x${ptr.toString(16)}`;
  return ` ${task}  [00${cpu}] ..... ${sec}: ${event}: ${fields.replace('PTR', `ptr=${at}`)}`;
}

function alloc(
  ms: number,
  ptr: bigint,
  more: { cpu?: number; req?: number; takes?: number } = {},
): string {
  const { cpu = 0, req = 60, takes = 64 } = more;
  const sizes = `bytes_req=${req} bytes_alloc=${takes}`;
  return line(
    ms,
    'kmalloc',
    ptr,
    `call_site=make+0x4/0x20 PTR ${sizes} gfp_flags=GFP_KERNEL node=-1 accounted=false`,
    cpu,
  );
}

function free(ms: number, ptr: bigint, more: { cpu?: number; site?: string } = {}): string {
  const { cpu = 0, site = 'drop' } = more;
  return line(ms, 'kfree', ptr, `call_site=${site}+0x8/0x20 PTR`, cpu);
}

function allocOf(cache: string, ms: number, ptr: bigint, size: number): string {
  const sizes = `bytes_req=${size} bytes_alloc=${size}`;
  return line(
    ms,
    'kmem_cache_alloc',
    ptr,
    `call_site=${cache}_make+0x4/0x20 PTR name=${cache} ${sizes} gfp_flags=GFP_KERNEL node=-1 accounted=false`,
  );
}

function freeOf(cache: string, ms: number, ptr: bigint): string {
  return line(ms, 'kmem_cache_free', ptr, `call_site=${cache}_drop+0x8/0x20 PTR name=${cache}`);
}

async function errors(...lines: string[]): Promise<string[]> {
  const path = join(temporaryFolder(), 'trace.txt');
  writeFileSync(path, `# tracer: nop\n${lines.join('\n')}\n`);
  const { findings } = await findDefects({ source: path, sidecars: 'none' }, true);
  return findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
}

describe('a double free', () => {
  const TWICE = [alloc(0, A), free(100, A), free(200, A, { site: 'again' })];

  test('100 ms apart', async () => {
    expect(await errors(...TWICE)).toEqual(['double-free']);
  });

  test('on another CPU', async () => {
    const lines = [alloc(0, A), free(100, A, { cpu: 1 }), free(200, A, { cpu: 2 })];
    expect(await errors(...lines)).toEqual(['double-free']);
  });

  test('not of an object whose allocation is not in the trace', async () => {
    expect(await errors(free(0, A), free(100, A))).toEqual([]);
  });

  test('not where a free left no event, and the first one may be of the object before', async () => {
    expect(
      await errors(alloc(0, A), alloc(0.05, A, { cpu: 1 }), free(0.06, A), free(9, A)),
    ).toEqual([]);
  });

  test('not where events were lost since', async () => {
    const lost = 'CPU:0 [LOST 5 EVENTS]';
    expect(await errors(alloc(0, A), free(100, A), lost, free(200, A))).toEqual([]);
  });

  test('not where the allocation of another CPU follows so soon that it may be earlier', async () => {
    const lines = [
      alloc(0, A),
      free(100, A),
      free(100.02, A, { cpu: 1 }),
      alloc(100.04, A, { cpu: 2 }),
    ];
    expect(await errors(...lines)).toEqual([]);
    expect(await errors(...lines.slice(0, 3), alloc(101, A, { cpu: 2 }))).toEqual(['double-free']);
  });

  test('not where page-backed kmalloc had the page in between', async () => {
    const large = { req: 16000, takes: 16384 };
    const lines = [alloc(0, BASE), free(100, BASE), alloc(150, BASE, large), free(200, BASE)];
    expect(await errors(...lines)).toEqual([]);
  });

  test('not after a silence as if tracing had been off', async () => {
    const busy = Array.from({ length: 3000 }, (_, i) => [
      alloc(i / 100, BASE + 0x80n),
      free(i / 100 + 0.005, BASE + 0x80n),
    ]).flat();
    const later = (ms: number): string[] => [
      ...TWICE.slice(0, 1),
      free(0.001, A),
      ...busy,
      free(ms, A),
    ];
    expect(await errors(...later(9000))).toEqual([]);
    expect(await errors(...later(40))).toEqual(['double-free']);
  });

  test('not where one call makes many', async () => {
    const lines = Array.from({ length: 4 }, (_, i) => {
      const object = A + BigInt(64 * i);
      return [alloc(10 * i, object), free(10 * i + 1, object), free(10 * i + 2, object)];
    });
    expect(await errors(...lines.flat())).toEqual([]);
    expect(await errors(...lines.slice(0, 3).flat())).toHaveLength(3);
  });

  test('not where many places make them: allocations were not recorded', async () => {
    const lines = Array.from({ length: 4 }, (_, i) => {
      const object = A + BigInt(64 * i);
      const again = free(10 * i + 2, object, { site: `user_${i}` });
      return [alloc(10 * i, object), free(10 * i + 1, object), again];
    });
    expect(await errors(...lines.flat())).toEqual([]);
    expect(await errors(...lines.slice(0, 3).flat())).toHaveLength(3);
  });

  test('not in a named cache, which may be merged with one that is served in bulk', async () => {
    const lines = [allocOf('foo', 0, A, 64), freeOf('foo', 100, A), freeOf('foo', 200, A)];
    expect(await errors(...lines)).toEqual([]);
  });
});

describe('an early boot, in which the tracer switches its events off and on again', () => {
  const early = (lines: string[]): string[] =>
    lines.map((text) => text.replace(' 100.', ' 0.').replace('sh-7', '<idle>-0'));

  test('has no double free until the second CPU is up', async () => {
    const up = early([alloc(300, A + 64n, { cpu: 1 })]);
    const before = early([alloc(100, A), free(110, A), free(200, A)]);
    expect(await errors(...before, ...up)).toEqual([]);
    const after = early([alloc(400, A), free(410, A), free(500, A)]);
    expect(await errors(...early([free(1, BASE)]), ...up, ...after)).toEqual(['double-free']);
  });
});

describe('a free inside an object', () => {
  test('of kmalloc by kfree()', async () => {
    expect(await errors(alloc(0, A), free(100, A + 8n))).toEqual(['invalid-free']);
  });

  test('not after the object was freed, nor by the free of a named cache', async () => {
    expect(await errors(alloc(0, A), free(100, A), free(200, A + 8n))).toEqual([]);
    const named = line(100, 'kmem_cache_free', A + 8n, 'call_site=drop+0x8/0x20 PTR');
    expect(await errors(alloc(0, A), named)).toEqual([]);
  });

  test('not of objects whose site frees unseen', async () => {
    const reused = [alloc(0, A), alloc(10, A)];
    expect(await errors(...reused, free(100, A + 8n))).toEqual([]);
  });
});

describe('a free into another cache', () => {
  test('of kmalloc by kmem_cache_free()', async () => {
    const other = [alloc(0, BASE), free(1, BASE)];
    expect(await errors(...other, alloc(2, A), freeOf('foo', 100, A))).toEqual(['wrong-cache']);
    // Where no kfree was recorded, the object may have been freed, and its page be another cache's.
    expect(await errors(alloc(2, A), freeOf('foo', 100, A))).toEqual([]);
  });

  test('of another named cache', async () => {
    const lines = [allocOf('bar', 0, A, 64), freeOf('foo', 100, A)];
    expect(await errors(...lines)).toEqual(['wrong-cache']);
  });

  test('not into a cache that is served in bulk: its allocation is not seen', async () => {
    expect(await errors(alloc(0, A), freeOf('skbuff_head_cache', 100, A))).toEqual([]);
  });

  test('not of an object that was freed, or whose site frees unseen', async () => {
    expect(await errors(alloc(0, A), free(50, A), freeOf('foo', 100, A))).toEqual([]);
    expect(await errors(alloc(0, A), alloc(10, A), freeOf('foo', 100, A))).toEqual([]);
  });
});
