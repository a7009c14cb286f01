// What is still called certain when a fifth of a recording's events is lost, and when its first third is
// not there, against every object that the kernel held at the end. UPDATE_DOCS=1 writes the figures into
// docs/model-limits.md.

import { beforeAll, expect, test } from 'vitest';
import type { ResolvedRun } from '../../src/run/resolved-run.ts';
import { describeWithData } from '../helpers/data.ts';
import { holdTable } from '../helpers/doc-tables.ts';
import {
  type Losing,
  losingRuns,
  losingSingles,
  losingSubBuffers,
  type RecordedEvents,
  recordedEvents,
} from '../helpers/lossy-recording.ts';
import {
  recordedTruth,
  rightNames,
  share,
  slabObjects,
  type Truth,
} from '../helpers/recorded-truth.ts';

const LOST = 0.2;
const LOSSES: Readonly<Record<string, () => Losing>> = {
  'single events': () => losingSingles(LOST),
  'sub-buffers of 80 events': () => losingSubBuffers(LOST),
  'runs of 10,000 events': () => losingRuns(LOST, 10_000),
};

/** Per cent of the live objects that must stay certain, a little under what does. */
const CERTAIN: Readonly<Record<string, readonly [number, number, number]>> = {
  'late-612': [30, 30, 37],
  'net-61': [69, 68, 65],
  'debian-plain-612': [45, 45, 47],
};

const NAMES = Object.keys(CERTAIN);

/** Per cent with two digits. */
const digits = (value: number): string => value.toFixed(2);

describeWithData([...NAMES, 'fs-612'], 'with events missing', () => {
  const loss: string[][] = [
    ['recording', 'lost', 'certain', 'of these right', 'all right', 'names right'],
  ];
  const late: string[][] = [['recording', 'certain', 'of these right', 'all right', 'names right']];

  for (const name of [...NAMES, 'fs-612']) {
    let truth: Truth;
    let events: RecordedEvents;
    beforeAll(async () => {
      truth = recordedTruth(name);
      events = await recordedEvents(name);
    });

    const figuresOf = (run: ResolvedRun) => {
      const objects = slabObjects(run);
      const right = (some: typeof objects) =>
        some.filter(({ address }) => truth.cacheOf.has(address)).length;
      const certain = objects.filter((object) => object.isCertain);
      return {
        certain: share(certain.length, objects.length),
        certainRight: share(right(certain), certain.length),
        right: share(right(objects), objects.length),
        names: rightNames(name, truth, objects),
      };
    };

    Object.entries(LOSSES).forEach(([what, losing], i) => {
      const floor = CERTAIN[name]?.[i];
      if (floor === undefined) return;
      test(`${name} without ${what}: what is certain is right`, () => {
        const figures = figuresOf(events.without(losing()));
        loss.push([
          name,
          what,
          `${digits(figures.certain)} %`,
          `${digits(figures.certainRight)} %`,
          `${digits(figures.right)} %`,
          `${digits(figures.names)} %`,
        ]);
        expect.soft(figures.certainRight).toBeGreaterThanOrEqual(99.9);
        expect.soft(figures.names).toBeGreaterThanOrEqual(99);
        expect.soft(figures.certain).toBeGreaterThanOrEqual(floor);
      });
    });

    test(`${name} without its first 30 %: what is certain is right`, () => {
      const figures = figuresOf(events.without(() => false, 0.3));
      late.push([
        name,
        `${digits(figures.certain)} %`,
        `${digits(figures.certainRight)} %`,
        `${digits(figures.right)} %`,
        `${digits(figures.names)} %`,
      ]);
      expect.soft(figures.certainRight).toBeGreaterThanOrEqual(99.95);
      expect.soft(figures.names).toBeGreaterThanOrEqual(99.8);
      expect.soft(figures.certain).toBeGreaterThanOrEqual(90);
    });
  }

  test('the page has these figures', () => {
    holdTable('model-limits.md', 'lost events', loss);
    holdTable('model-limits.md', 'late starts', late);
  });
});
