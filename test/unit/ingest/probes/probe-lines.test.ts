import { describe, expect, test } from 'vitest';
import { type ReadOptions, readTraceBytes } from '../../../helpers/read-trace.ts';

const A = '0xffff888001000000';
const B = '0xffff888001000100';

/** Lines of tracefs, `TASK CPU[h|s|Z] EVENT…`, a microsecond apart. */
async function read(text: string, options: ReadOptions = {}) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line, i) => {
      const [, task = '', cpu = '', event = ''] = /^(\S+) (\d\S?) (.*)$/.exec(line) ?? [];
      const [number, context = '.'] = cpu;
      return `  ${task} [00${number}] ..${context}..     1.${String(i).padStart(6, '0')}: ${event}`;
    });
  return readTraceBytes(`${['# tracer: nop', ...lines].join('\n')}\n`, options);
}

/** Events as `task event ptr size site`. */
async function told(text: string, options: ReadOptions = {}): Promise<string[]> {
  return (await read(text, options))
    .events()
    .map((e) => `${e.pid} ${e.event} ${e.ptr.toString(16)} ${e.bytesReq} ${e.site}`.trim());
}

const ENTRY = 'kmalloc_p: (__kmalloc+0x0/0x150)';
const RETURN = (site: string): string => `kmalloc_r: (${site}+0x2f/0x80 <- __kmalloc)`;

describe('an allocation is a call and its return', () => {
  test('with all that the fields tell', async () => {
    const trace = await read(`
      sh-7 1 kmalloc_p: (__kmalloc+0x0/0x150) size=100 flags=0xdc0 node=1
      sh-7 1 kmalloc_r: (p9_fcall_init+0x2f/0x80 [9pnet] <- __kmalloc) ret=${A}
      sh-7 1 kca_p: (kmem_cache_alloc+0x4/0x300) cachep=0xffff888000042600 gfp=0xcc0
      sh-7 1 kca_r: (getname_flags.part.0+0x2b/0x1c0 <- kmem_cache_alloc) retval=${B}
    `);
    expect(trace.stats).toEqual({});
    expect(trace.events()).toMatchObject([
      {
        ns: 1_000_001_000n,
        event: 'kmalloc',
        site: 'p9_fcall_init+0x2f [9pnet]',
        bytesReq: 100,
        bytesAlloc: 128,
        gfp: 0xdc0,
        node: 1,
        cache: '',
        ptr: 0xffff888001000000n,
        pid: 7,
        cpu: 1,
      },
      {
        event: 'kmem_cache_alloc',
        site: 'getname_flags.part.0+0x2b',
        cache: '0xffff888000042600',
        gfp: 0xcc0,
        ptr: 0xffff888001000100n,
      },
    ]);
  });

  test('of each task, and of each idle CPU', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10
      sh-8 0 ${ENTRY} size=20
      <idle>-0 0 ${ENTRY} size=30
      <idle>-0 1 ${ENTRY} size=40
      sh-7 1 ${RETURN('seven')} ret=0xffff888001000007
      <idle>-0 0 ${RETURN('zero')} ret=0xffff888001000003
      sh-8 0 ${RETURN('eight')} ret=0xffff888001000008
      <idle>-0 1 ${RETURN('one')} ret=0xffff888001000004`;
    expect(await told(lines)).toEqual([
      '7 kmalloc ffff888001000007 10 seven+0x2f',
      '0 kmalloc ffff888001000003 30 zero+0x2f',
      '8 kmalloc ffff888001000008 20 eight+0x2f',
      '0 kmalloc ffff888001000004 40 one+0x2f',
    ]);
  });

  test('inside which an interrupt allocates', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10
      sh-7 0 ${ENTRY} size=20
      sh-7 0 ${RETURN('irq')} ret=${B}
      sh-7 0 ${RETURN('task')} ret=${A}`;
    expect(await told(lines)).toEqual([
      '7 kmalloc ffff888001000100 20 irq+0x2f',
      '7 kmalloc ffff888001000000 10 task+0x2f',
    ]);
  });

  test('inside which an interrupt allocates, whose return was missed', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10
      sh-7 0h ${ENTRY} size=20
      sh-7 0 ${RETURN('task')} ret=${A}
      sh-7 0Z ${ENTRY} size=30
      sh-7 0s ${RETURN('softirq')} ret=${B}`;
    expect(await told(lines)).toEqual([
      '7 kmalloc ffff888001000000 10 task+0x2f',
      '7 kmalloc ffff888001000100 30 softirq+0x2f',
    ]);
    expect((await read(lines)).stats).toEqual({ probe_half_missing: 1 });
  });

  test('whose return was missed', async () => {
    const lines = `
      sh-7 0 kca_p: (kmem_cache_alloc+0x0/0x300) cache=0x1 flags=0xcc0
      sh-7 0 ${ENTRY} size=10
      sh-7 0 kca_r: (f+0x1/0x2 <- kmem_cache_alloc) ret=${A}
      sh-7 0 ${RETURN('late')} ret=${B}`;
    expect(await told(lines)).toEqual(['7 kmem_cache_alloc ffff888001000000 0 f+0x1']);
    expect((await read(lines)).stats).toEqual({ probe_half_missing: 2 });
  });

  test('through another allocator that has a probe too: once, with the outer caller', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10000
      sh-7 0 large_p: (kmalloc_large+0x0/0x90) size=10000
      sh-7 0 large_r: (__kmalloc+0x44/0x150 <- kmalloc_large) ret=${A}
      sh-7 0 ${RETURN('caller')} ret=${A}`;
    expect(await told(lines)).toEqual(['7 kmalloc ffff888001000000 10000 caller+0x2f']);
  });

  test('that fails, or of nothing', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10
      sh-7 0 ${RETURN('f')} ret=0x0
      sh-7 0 ${ENTRY} size=0
      sh-7 0 ${RETURN('f')} ret=0x10`;
    expect(await told(lines)).toEqual(['7 kmalloc 0 10 f+0x2f']);
  });

  test('in calls of any depth', async () => {
    const deep = `sh-7 0 ${ENTRY} size=1\n`.repeat(1000);
    const back = `sh-7 0 ${RETURN('f')} ret=${A}\n`;
    expect(await told(deep + back)).toHaveLength(1);
  });

  test('as trace-cmd prints it: addresses, the function first', async () => {
    const trace = await readTraceBytes(
      [
        'cpus=1',
        ' wl-1261 [001] 174.418827: kmt_p:                (ffffffffa492bb10) size=88',
        ` wl-1261 [001] 174.418829: kmt_r:                (ffffffffa492bb10 <- ffffffffa4975b8b) ret=${A}`,
      ].join('\n'),
    );
    expect(trace.events()).toMatchObject([
      { event: 'kmalloc', site: '0xffffffffa4975b8b', bytesReq: 88, bytesAlloc: 96 },
    ]);
  });
});

test('perf script: names have a group, and what perf probe calls them is mapped', async () => {
  const line = (us: number, event: string): string =>
    `  perf  1002 [000]   144.24918${us}: ${event}\n`;
  const trace = await readTraceBytes(
    line(1, 'probe:take: (ffffffff8149bb10) bytes=100') +
      line(2, `probe:take__return: (ffffffff8149bb10 <- ffffffff81975b8b) arg1=${A}`) +
      line(3, `probe:kfree: (ffffffff814a0000) ptr=${A}`),
    { maps: ['take=alloc,bytes=size', 'take__return=alloc,arg1=ret'] },
  );
  expect(trace.format).toBe('perf-script');
  expect(trace.events()).toMatchObject([
    { event: 'kmalloc', bytesReq: 100, bytesAlloc: 128, site: '0xffffffff81975b8b', pid: 1002 },
    { event: 'kfree', ptr: 0xffff888001000000n },
  ]);
});

test('frees', async () => {
  const lines = `
    sh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}
    sh-7 0 kfree_q: (kfree+0x0/0x110) ptr=(nil)
    sh-7 0 kcf_p: (kmem_cache_free+0x0/0x310) cache=0xffff888000042600 ptr=${B} caller=0xffffffff81000000`;
  expect(await told(lines)).toEqual([
    '7 kfree ffff888001000000 0',
    '7 kfree 0 0',
    '7 kmem_cache_free ffff888001000100 0 0xffffffff81000000',
  ]);
});

test('bulk frees: as many objects as are counted, of each part of the array', async () => {
  const probe = (part: number, n: number, p: string): string =>
    `sh-7 0 bulkfree${part}: (kmem_cache_free_bulk+0x0/0x20) s=0x0 n=${n} p={${p}}\n`;
  expect(await told(probe(0, 2, `${A},${B},${A}`) + probe(1, 2, `${A},${B},${A}`))).toEqual([
    '7 bulk_free ffff888001000000 0',
    '7 bulk_free ffff888001000100 0',
  ]);
  expect(await told(probe(0, 4, `${A},0x0,0x10`) + probe(1, 4, `${B},${A},${A}`))).toEqual([
    '7 bulk_free ffff888001000000 0',
    '7 bulk_free ffff888001000100 0',
  ]);
});

test.each([
  ['len=4 value=0x12345678', '78563412'],
  ['len=2 value=0x12345678', '7856'],
  ['value=0xffffffff00000001', '01000000ffffffff'],
  ['len=10 value=0xa5', 'a5'.repeat(10)],
])('a write: %s', async (fields, data) => {
  const trace = await read(`sh-7 0 write_it: (my_poke+0x0/0x20) addr=${A} ${fields}`);
  expect(trace.events()).toMatchObject([
    { event: 'write', ptr: 0xffff888001000000n, data, site: '' },
  ]);
});

describe('what is none of ours', () => {
  test.each([
    ['a probe on another function', 'read_p: (vfs_read+0x0/0x10) size=10'],
    ['its return', 'read_r: (ksys_read+0x5/0x10 <- vfs_read) ret=0x10'],
    ['a probe without fields', 'kfree_q: (kfree+0x0/0x110)'],
    ['kmem_cache_alloc_bulk', 'bulkalloc: (kmem_cache_alloc_bulk+0x0/0x10) s=0x1 n=4 arr=0x5'],
  ])('%s is passed over', async (_, line) => {
    const trace = await read(`sh-7 0 ${line}\nsh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}`);
    expect(trace.stats).toEqual({ other_events: 1 });
    expect(trace.count).toBe(1);
  });

  test.each([
    ['a word for a number', 'kfree_p: (kfree+0x0/0x110) ptr=soon'],
    ['a field missing', 'kfree_p: (kfree+0x0/0x110) cache=0x5'],
    ['a write too long', 'write_it: (f+0x0/0x20) addr=0x5 len=4097 value=0x1'],
    ['a write of nothing', 'write_it: (f+0x0/0x20) addr=0x5 len=0 value=0x1'],
  ])('%s is a bad line', async (_, line) => {
    const trace = await read(
      `sh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}
       sh-7 0 write_it: (f+0x0/0x20) addr=${A} len=1 value=0x1
       sh-7 0 ${line}`,
    );
    expect(trace.stats).toEqual({ bad_line: 1 });
    expect(trace.positions).toEqual({ bad_line: 'line 4' });
  });
});

describe('beside tracepoints', () => {
  const ALLOC = (site: string, ptr: string): string =>
    `kmalloc: call_site=${site}+0x0/0x10 ptr=${ptr.slice(2)} bytes_req=10 bytes_alloc=16 gfp_flags=GFP_KERNEL`;

  test('the tracepoints count, and have their callers from the returns', async () => {
    const lines = `
      sh-7 0 ${ENTRY} size=10
      sh-7 0 ${ALLOC('arch_rethook_trampoline', A)}
      sh-7 0 ${ENTRY} size=10
      sh-7 0 ${ALLOC('__kretprobe_trampoline', B)}
      sh-7 0 ${RETURN('irq')} ret=${B}
      sh-7 0 ${RETURN('task')} ret=${A}
      sh-7 0 ${ALLOC('kretprobe_trampoline', A)}
      sh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}
      sh-7 0 kfree: call_site=g+0x1/0x2 ptr=${A.slice(2)}`;
    expect(await told(lines)).toEqual([
      '7 kmalloc ffff888001000000 10 task+0x2f',
      '7 kmalloc ffff888001000100 10 irq+0x2f',
      '7 kmalloc ffff888001000000 10',
      '7 kfree ffff888001000000 0 g+0x1',
    ]);
  });

  test('of another kind, probes count', async () => {
    const lines = `
      sh-7 0 ${ALLOC('f', A)}
      sh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}`;
    expect(await told(lines)).toEqual([
      '7 kmalloc ffff888001000000 10 f+0x0',
      '7 kfree ffff888001000000 0',
    ]);
  });

  test('a probe may bear the name of a tracepoint', async () => {
    expect(await told(`sh-7 0 kfree: (kfree+0x0/0x110) ptr=${A}`)).toEqual([
      '7 kfree ffff888001000000 0',
    ]);
  });
});

describe('--map', () => {
  test('an event that tells all of an allocation', async () => {
    const lines = `
      sh-7 0 take: (pool_get+0x10/0x20) bytes=24 where=${A}
      sh-7 0 give: (pool_put+0x0/0x20) where=${A}`;
    const maps = ['take=alloc,bytes=size,where=ptr', 'give=free,where=ptr'];
    expect(await told(lines, { maps })).toEqual([
      '7 kmalloc ffff888001000000 24',
      '7 kfree ffff888001000000 0',
    ]);
    expect(await told(lines)).toEqual([]);
  });

  test('an event that is to be passed over', async () => {
    const lines = `sh-7 0 kfree_p: (kfree+0x0/0x110) ptr=${A}`;
    expect(await told(lines, { maps: ['kfree_p=none'] })).toEqual([]);
  });

  test.each([
    ['take', '"take"'],
    ['take=steal', '"take=steal"'],
    ['take=alloc,bytes', '"bytes"'],
    ['take=alloc,bytes=colour', '"bytes=colour"'],
  ])('%s says nothing that is known', async (map, part) => {
    await expect(read('', { maps: [map], format: 'ftrace-text' })).rejects.toMatchObject({
      message: `--map ${map}: ${part} is none of EVENT=ROLE,FIELD=MEANING,...`,
      exitCode: 2,
    });
  });
});
