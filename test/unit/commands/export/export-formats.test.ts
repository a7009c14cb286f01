// Profiles and curves in other tools' layouts, read back as these tools read them.

import { gunzipSync } from 'node:zlib';
import { Profile as PprofProfile } from 'pprof-format';
import { describe, expect, test } from 'vitest';
import type { Profile, ProfileFrame } from '../../../../src/analysis/profile.ts';
import { renderCollapsed } from '../../../../src/commands/export/export-collapsed.ts';
import { renderPprof } from '../../../../src/commands/export/export-pprof.ts';
import { renderSpeedscope } from '../../../../src/commands/export/export-speedscope.ts';
import { renderTraceEvents } from '../../../../src/commands/export/export-trace-events.ts';
import { COMPLETE, COUNTER_RUN, RUN } from '../../../helpers/results.ts';

const frame = (name: string | null, rest: Partial<ProfileFrame> = {}): ProfileFrame => ({
  name,
  module: null,
  address: null,
  ...rest,
});

const PROFILE: Profile = {
  run: RUN,
  completeness: { ...COMPLETE, notes: ['A note.'] },
  frames: [
    frame('docase', { module: 'labbug', address: 0xffffffffc00003bcn }),
    frame('entry', { address: 0xffffffff81000010n }),
    frame(null, { address: 0xffffffff81000020n }),
  ],
  samples: [
    {
      frames: [0, 1],
      cache: 'kmalloc-8k',
      bytesReqEach: 4097,
      allocated: { objects: 200, bytes: 1638400, requested: 819400 },
      live: { objects: 100, bytes: 819200, requested: 409700 },
    },
    {
      frames: [2],
      cache: null,
      bytesReqEach: 64,
      allocated: { objects: 3, bytes: 192, requested: 192 },
      live: { objects: 0, bytes: 0, requested: 0 },
    },
  ],
};

const EVIL = 'a;b\u001b[31m\n<script>"';

describe('pprof', () => {
  const decode = (profile: Profile): PprofProfile =>
    PprofProfile.decode(gunzipSync(renderPprof(profile)));
  const pprof = decode(PROFILE);
  const text = (index: number | bigint | undefined): string =>
    pprof.stringTable.strings[Number(index)] ?? '?';

  test('the values of a heap profile, the first string empty', () => {
    expect(pprof.stringTable.strings[0]).toBe('');
    expect(pprof.sampleType.map(({ type, unit }) => [text(type), text(unit)])).toEqual([
      ['alloc_objects', 'count'],
      ['alloc_space', 'bytes'],
      ['inuse_objects', 'count'],
      ['inuse_space', 'bytes'],
      ['requested_space', 'bytes'],
    ]);
    expect(text(pprof.defaultSampleType)).toBe('inuse_space');
    expect(pprof.sample.map(({ value }) => value.map(Number))).toEqual([
      [200, 1638400, 100, 819200, 409700],
      [3, 192, 0, 0, 0],
    ]);
    expect(Number(pprof.durationNanos)).toBe(10e9);
    expect(pprof.comment.map((index) => text(Number(index)))).toEqual([
      'slabreplay: a-run',
      'Linux 6.1.0',
      'A note.',
    ]);
  });

  test('locations lead to functions, modules and addresses; labels to cache and size', () => {
    const [sample] = pprof.sample;
    const chain = sample?.locationId.map((id) => {
      const location = pprof.location.find((l) => Number(l.id) === Number(id));
      const line = location?.line[0];
      const named = pprof.function.find((f) => Number(f.id) === Number(line?.functionId));
      const mapping = pprof.mapping.find((m) => Number(m.id) === Number(location?.mappingId));
      return [text(named?.name), text(mapping?.filename), BigInt(location?.address ?? 0)];
    });
    expect(chain).toEqual([
      ['docase', '[labbug]', 0xffffffffc00003bcn],
      ['entry', '[kernel.kallsyms]', 0xffffffff81000010n],
    ]);
    expect(
      sample?.label.map(({ key, str, num }) => [text(key), str ? text(str) : Number(num)]),
    ).toEqual([
      ['cache', 'kmalloc-8k'],
      ['bytes', 4097],
    ]);
    // An address without a name has no function.
    expect(pprof.location[2]?.line).toEqual([]);
  });

  test('names are shown, not obeyed', () => {
    const { stringTable } = decode({ ...PROFILE, frames: PROFILE.frames.map(() => frame(EVIL)) });
    expect(stringTable.strings).toContain('a;b\\x1b[31m\\x0a<script>"');
  });
});

describe('speedscope', () => {
  interface File {
    readonly $schema: string;
    readonly shared: { readonly frames: { readonly name: string; readonly file?: string }[] };
    readonly profiles: {
      readonly type: string;
      readonly name: string;
      readonly unit: string;
      readonly startValue: number;
      readonly endValue: number;
      readonly samples: number[][];
      readonly weights: number[];
    }[];
  }
  const read = (profile: Profile): File => JSON.parse(renderSpeedscope(profile)) as File;

  test('a sampled profile for each value, stacks from the outside to the cache', () => {
    const file = read(PROFILE);
    expect(file.$schema).toBe('https://www.speedscope.app/file-format-schema.json');
    const [live, , objects, allocated] = file.profiles;
    const names = (stack: number[] | undefined): unknown =>
      stack?.map((index) => file.shared.frames[index]);
    expect(live).toMatchObject({ type: 'sampled', name: 'live bytes', unit: 'bytes' });
    expect(live?.samples.map(names)).toEqual([
      [{ name: 'entry' }, { name: 'docase', file: '[labbug]' }, { name: '[kmalloc-8k]' }],
    ]);
    expect([live?.weights, live?.endValue]).toEqual([[819200], 819200]);
    expect([objects?.unit, objects?.weights]).toEqual(['none', [100]]);
    expect(allocated?.samples.map(names)[1]).toEqual([
      { name: '0xffffffff81000020' },
      { name: '[cache not known]' },
    ]);
  });

  test('as its format is described: weights and stacks in pairs, frames that exist', () => {
    const { profiles, shared } = read(PROFILE);
    for (const { type, unit, startValue, endValue, samples, weights } of profiles) {
      expect([type, startValue]).toEqual(['sampled', 0]);
      expect(['none', 'bytes']).toContain(unit);
      expect(samples.length).toBe(weights.length);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(endValue);
      for (const index of samples.flat()) expect(shared.frames[index]).toBeDefined();
    }
  });
});

test('collapsed: no name ends its frame or its line', () => {
  expect(
    renderCollapsed([
      { names: ['entry', 'docase [labbug]', '[kmalloc-8k]'], values: [819200] },
      { names: [EVIL], values: [1, 2] },
    ]),
  ).toBe('entry;docase [labbug];[kmalloc-8k] 819200\na:b\\x1b[31m\\x0a<script>" 1 2\n');
});

describe('trace events', () => {
  const curves = [
    {
      cache: 'kmalloc-64',
      points: [
        { time: 1_500_000_500n, bytes: 64 },
        { time: 1_600_000_000n, bytes: 0 },
      ],
    },
  ];

  test('counters in microseconds, under a process of their own', () => {
    const { traceEvents } = JSON.parse(renderTraceEvents({ run: RUN, curves })) as {
      traceEvents: unknown[];
    };
    expect(traceEvents).toEqual([
      { ph: 'M', name: 'process_name', pid: 1, args: { name: 'slab memory: a-run' } },
      { ph: 'C', name: 'kmalloc-64', pid: 1, ts: 1500000.5, args: { bytes: 64 } },
      { ph: 'C', name: 'kmalloc-64', pid: 1, ts: 1600000, args: { bytes: 0 } },
    ]);
  });

  test('a clock that counts something else is taken as it is', () => {
    const [{ points }] = curves as [(typeof curves)[0]];
    const text = renderTraceEvents({
      run: COUNTER_RUN,
      curves: [{ cache: null, points: points.slice(0, 1).map((p) => ({ ...p, time: 17n })) }],
    });
    expect(text).toContain('{"ph":"C","name":"cache not known","pid":1,"ts":17,');
    expect(text).toContain('"clockUnit":"count"');
  });
});
