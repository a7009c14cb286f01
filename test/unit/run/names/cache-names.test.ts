import { describe, expect, test } from 'vitest';
import { kernelFacts, knownCache, type ResolveOptions, resolve } from '../../../helpers/tracked.ts';

interface Named {
  /** The cache of the call at a site, `?` behind a guess. */
  cacheAt(site: string): string;
  /** The cache of each live object, in order of time. */
  readonly objects: readonly (string | undefined)[];
}

function name(lines: string, options: ResolveOptions = {}): Named {
  const { run, call, objects } = resolve(lines, options);
  return {
    cacheAt: (site) => {
      const at = call(site);
      return `${run.names.ofCall[at] ?? 'unknown'}${run.names.inferred[at] ? '?' : ''}`;
    },
    objects: objects.map(([cache]) => cache),
  };
}

describe('step 1: the name in the event', () => {
  test('is the cache (6.18 on), whatever frees say', () => {
    const lines = 'alloc x A 192 name=dentry by=f+0x1\nfree filp A';
    expect(name(lines).cacheAt('f+0x1')).toBe('dentry');
  });
});

describe('step 2: kmalloc', () => {
  test('has the cache of its size and flags', () => {
    expect(name('alloc kmalloc A 140/192 by=f+0x1').cacheAt('f+0x1')).toBe('kmalloc-192');
    expect(name('alloc kmalloc A 140/192 gfp=0x400cc0 by=f+0x1').cacheAt('f+0x1')).toBe(
      'kmalloc-cg-192',
    );
    expect(name('alloc kmalloc A 9000/16384 by=f+0x1').cacheAt('f+0x1')).toBe('kmalloc-large');
  });

  test('takes the class from the request: with slub_debug the stride is larger', () => {
    const facts = kernelFacts({ slubDebug: true });
    expect(name('alloc kmalloc A 60/256 by=f+0x1', { facts }).cacheAt('f+0x1')).toBe('kmalloc-64');
  });

  test('of a function with buckets of its own, where the machine has them', () => {
    const lines = 'alloc kmalloc A 60/64 by=memdup_user+0x1';
    const facts = kernelFacts({ caches: [knownCache('memdup_user-64', 64)] });
    expect(name(lines).cacheAt('memdup_user+0x1')).toBe('kmalloc-64');
    expect(name(lines, { facts }).cacheAt('memdup_user+0x1')).toBe('memdup_user-64');
  });
});

describe('step 3: the name that frees gave', () => {
  test('is that of every object of the site and size', () => {
    const lines = `
      alloc x A 192 by=__d_alloc+0x1
      alloc x B 192 by=__d_alloc+0x1
      free dentry A`;
    expect(name(lines).cacheAt('__d_alloc+0x1')).toBe('dentry');
  });

  test('does not speak for another size at the site', () => {
    const { run, trace } = resolve(
      `
      alloc x A 192 by=mempool_alloc+0x1
      free bio A
      alloc x B 256 by=mempool_alloc+0x1
    `,
      { onlyLines: true },
    );
    expect(trace.dictionary.calls.length).toBe(4);
    expect(run.names.ofCall.slice(1)).toEqual(['bio', undefined, undefined]);
  });

  test('of several is the most frequent one, and each object has that of its own page', () => {
    const lines = `
      alloc x A 192 by=mempool_alloc+0x1
      alloc x A+192 192 by=mempool_alloc+0x1
      alloc x B 192 by=mempool_alloc+0x1
      alloc x B+192 192 by=mempool_alloc+0x1
      alloc x B+384 192 by=mempool_alloc+0x1
      free bio-64 A
      free bio-128 B
      free bio-128 B+192`;
    const named = name(lines);
    expect(named.cacheAt('mempool_alloc+0x1')).toBe('bio-128');
    expect(named.objects).toEqual(['bio-64', 'bio-128']);
  });
});

describe('a site that allocates from two caches', () => {
  const facts = kernelFacts({
    caches: [
      knownCache('tw_sock_TCP', 256, { objectSize: 248, slabs: 1 }),
      knownCache('tw_sock_TCPv6', 256, { objectSize: 248, slabs: 1 }),
    ],
  });
  const alloc = (ts: number, object: string): string =>
    `@${ts} alloc x ${object} 248/256 by=inet_twsk_alloc+0x43`;

  test('names the objects of a slab by what was freed there after any of them came', () => {
    const lines = `
      ${alloc(1000, 'A')}
      ${alloc(1001, 'A+256')}
      ${alloc(1002, 'B')}
      ${alloc(1003, 'B+256')}
      ${alloc(1004, 'B+512')}
      @2000 free tw_sock_TCP A
      @2001 free tw_sock_TCPv6 B
      ${alloc(3000, 'B')}`;
    const two = 'tw_sock_TCPv6';
    expect(name(lines, { facts }).objects).toEqual(['tw_sock_TCP', two, two, two]);
  });

  test('is seen from more slabs than were recorded of the one cache that is named', () => {
    const { run, objects } = resolve(
      `
      ${alloc(1000, 'A')}
      ${alloc(1001, 'A+256')}
      @2000 free tw_sock_TCP A
      ${alloc(3000, 'B')}
      ${alloc(3001, 'C')}
      ${alloc(3002, 'A')}`,
      { facts },
    );
    expect(objects.map(([cache]) => cache)).toEqual([
      'tw_sock_TCP',
      'tw_sock_TCPv6',
      'tw_sock_TCPv6',
      'tw_sock_TCP',
    ]);
    expect(run.names.inferredRows.size).toBe(2);
  });

  test('tells the cache of each object that was allocated, for a replay', () => {
    const { run, call, trace } = resolve(`
      ${alloc(1000, 'A')}
      @1500 free tw_sock_TCP A
      ${alloc(2000, 'A')}
      @2500 free tw_sock_TCPv6 A`);
    const at = run.names.mixed.get(call('inet_twsk_alloc+0x43'));
    const address = trace.address('A');
    const cacheAt = (ts: number): string | undefined =>
      at?.at(Number(address & 0xffffffffn), Number(address >> 32n), ts);
    expect([cacheAt(1000), cacheAt(2000), cacheAt(3000)]).toEqual([
      'tw_sock_TCP',
      'tw_sock_TCPv6',
      undefined,
    ]);
  });
});

describe('step 4: the name of other objects on the same slabs', () => {
  test('is taken from what frees named on the pages of the objects', () => {
    const lines = `
      alloc x A 192 by=known+0x1
      alloc x A+192 192 by=open+0x1
      free dentry A`;
    expect(name(lines).cacheAt('open+0x1')).toBe('dentry');
  });

  test('but not where the page was named before the object came', () => {
    const lines = `
      @1000 free dentry A
      @2000 alloc x A+192 192 by=open+0x1`;
    expect(name(lines).cacheAt('open+0x1')).toBe('unknown');
  });

  test('is taken from groups that have a name and live objects there', () => {
    const facts = kernelFacts({ caches: [knownCache('dentry', 192), knownCache('filp', 192)] });
    const lines = `
      alloc x A 192 by=named+0x1
      alloc x B 192 by=named+0x1
      free filp B
      alloc x A+192 192 by=open+0x1
      alloc x C 192 by=open+0x1
      alloc x C+192 192 by=other+0x1`;
    const named = name(lines, { facts });
    expect(named.cacheAt('open+0x1')).toBe('filp');
    // By way of the slab that it shares with the one before.
    expect(named.cacheAt('other+0x1')).toBe('filp');
  });

  test('knows slabs of several pages from the recorded order', () => {
    const lines = `
      alloc x A 192 by=named+0x1
      alloc x B 192 by=named+0x1
      free filp B
      alloc x A+4224 192 by=open+0x1`;
    const two = [knownCache('filp', 192, { order: 1 }), knownCache('dentry', 192, { order: 1 })];
    expect(name(lines, { facts: kernelFacts({ caches: two }) }).cacheAt('open+0x1')).toBe('filp');
    expect(name(lines).cacheAt('open+0x1')).toBe('unknown');
  });

  test('is not looked for where pointers are hashed', () => {
    const lines = 'alloc x A 192 by=known+0x1\nalloc x A+192 192 by=open+0x1\nfree dentry A';
    const info = { hashedPointers: true };
    expect(name(lines, { info }).cacheAt('known+0x1')).toBe('dentry');
    expect(name(lines, { info }).cacheAt('open+0x1')).toBe('unknown');
  });
});

describe('step 5: the only recorded cache that fits', () => {
  const LINES = 'alloc x A 184/192 by=f+0x1';

  test('by stride', () => {
    const caches = [knownCache('cred_jar', 192, { objectSize: 184 }), knownCache('filp', 256)];
    expect(name(LINES, { facts: kernelFacts({ caches }) }).cacheAt('f+0x1')).toBe('cred_jar');
  });

  test('by object size, which merging may have raised since', () => {
    const exact = [
      knownCache('small', 192, { objectSize: 176 }),
      knownCache('right', 192, { objectSize: 184 }),
      knownCache('raised', 192, { objectSize: 192 }),
    ];
    expect(name(LINES, { facts: kernelFacts({ caches: exact }) }).cacheAt('f+0x1')).toBe('right');
    const raised = exact.filter((c) => c.name !== 'right');
    expect(name(LINES, { facts: kernelFacts({ caches: raised }) }).cacheAt('f+0x1')).toBe('raised');
  });

  test('by accounting, where event and cache tell it', () => {
    const caches = [
      knownCache('plain', 192, { objectSize: 184, accounted: false }),
      knownCache('charged', 192, { objectSize: 184, accounted: true }),
    ];
    const facts = kernelFacts({ caches });
    expect(name(`${LINES} accounted=yes`, { facts }).cacheAt('f+0x1')).toBe('charged');
    expect(name(`${LINES} accounted=no`, { facts }).cacheAt('f+0x1')).toBe('plain');
  });

  test('not counting kmalloc caches, which kmem_cache_alloc() does not use', () => {
    const caches = [
      knownCache('kmalloc-192', 192),
      knownCache('cred_jar', 192, { objectSize: 184 }),
    ];
    expect(name(LINES, { facts: kernelFacts({ caches }) }).cacheAt('f+0x1')).toBe('cred_jar');
  });

  test('but those that others were merged into', () => {
    const caches = [knownCache('kmalloc-192', 192, { aliases: ['cred_jar'] })];
    expect(name(LINES, { facts: kernelFacts({ caches }) }).cacheAt('f+0x1')).toBe('kmalloc-192');
  });

  test('for all groups that share slabs: the largest of them must fit', () => {
    const caches = [
      knownCache('small', 192, { objectSize: 176 }),
      knownCache('large', 192, { objectSize: 192 }),
    ];
    const lines = 'alloc x A 176/192 by=f+0x1\nalloc x A+192 192/192 by=g+0x1';
    const named = name(lines, { facts: kernelFacts({ caches }) });
    expect([named.cacheAt('f+0x1'), named.cacheAt('g+0x1')]).toEqual(['large', 'large']);
  });
});

describe('step 6: well-known functions', () => {
  const caches = [
    knownCache('dentry', 192, { slabs: 3 }),
    knownCache('merged', 192, { slabs: 3, aliases: ['cred_jar', 'merged'] }),
    knownCache('other', 192, { slabs: 1 }),
  ];

  test('choose among the caches that fit, as a guess', () => {
    const lines = 'alloc x A 192 by=__d_alloc+0x1';
    expect(name(lines, { facts: kernelFacts({ caches }) }).cacheAt('__d_alloc+0x1')).toBe(
      'dentry?',
    );
  });

  test('by the names of merged caches as well', () => {
    const lines = 'alloc x A 192 by=prepare_creds+0x1';
    expect(name(lines, { facts: kernelFacts({ caches }) }).cacheAt('prepare_creds+0x1')).toBe(
      'merged?',
    );
  });

  test('not where their cache does not fit', () => {
    const lines = 'alloc x A 192 by=alloc_pid+0x1';
    expect(name(lines, { facts: kernelFacts({ caches }) }).cacheAt('alloc_pid+0x1')).toBe('other?');
  });
});

test('step 7: a name that the page had earlier, as a guess', () => {
  const caches = ['a', 'b'].map((id) => knownCache(id, 192, { slabs: id === 'a' ? 1 : 50 }));
  const lines = '@1000 free b A\n@2000 alloc x A+192 192 by=f+0x1';
  expect(name(lines, { facts: kernelFacts({ caches }) }).cacheAt('f+0x1')).toBe('b?');
});

describe('step 8: the recorded cache whose slabs fit best, as a guess', () => {
  test('groups on many slabs choose first, and leave less room', () => {
    const caches = [knownCache('one', 192, { slabs: 1 }), knownCache('three', 192, { slabs: 3 })];
    const lines = `
      alloc x A 192 by=few+0x1
      alloc x B 192 by=many+0x1
      alloc x C 192 by=many+0x1
      alloc x D 192 by=many+0x1`;
    const named = name(lines, { facts: kernelFacts({ caches }) });
    expect([named.cacheAt('many+0x1'), named.cacheAt('few+0x1')]).toEqual(['three?', 'one?']);
  });

  test('slabs that named groups fill are no room', () => {
    const caches = [knownCache('full', 192, { slabs: 2 }), knownCache('empty', 192, { slabs: 9 })];
    const lines = `
      alloc x A 192 by=named+0x1
      alloc x B 192 by=named+0x1
      alloc x C 192 by=named+0x1
      free full C
      alloc x D 192 by=open+0x1`;
    expect(name(lines, { facts: kernelFacts({ caches }) }).cacheAt('open+0x1')).toBe('empty?');
  });
});

describe('where nothing tells', () => {
  test('the cache stays unknown', () => {
    expect(name('alloc x A 192 by=f+0x1').cacheAt('f+0x1')).toBe('unknown');
    const facts = kernelFacts({ caches: [knownCache('filp', 256)] });
    expect(name('alloc x A 192 by=f+0x1', { facts }).cacheAt('f+0x1')).toBe('unknown');
  });

  test('calls that allocate nothing have none', () => {
    const { run } = resolve('free dentry A', { onlyLines: true });
    expect(run.names.ofCall).toEqual([undefined, undefined]);
  });
});

describe('where no caches were recorded', () => {
  test('functions whose cache is the same in every kernel name it, as a guess', () => {
    expect(name('alloc x A 192 by=__d_alloc+0x1').cacheAt('__d_alloc+0x1')).toBe('dentry?');
  });

  test('but not those that allocate from several caches', () => {
    expect(name('alloc x A 64 by=anon_vma_fork+0x1').cacheAt('anon_vma_fork+0x1')).toBe('unknown');
  });

  test('and not where frees tell another name', () => {
    const lines = 'alloc x A 192 by=__d_alloc+0x1\nfree renamed A';
    expect(name(lines).cacheAt('__d_alloc+0x1')).toBe('renamed');
  });
});
