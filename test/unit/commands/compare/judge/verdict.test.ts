import { describe, expect, test } from 'vitest';
import { decide, type Figure } from '../../../../../src/commands/compare/judge/verdict.ts';

const THRESHOLD = { percent: 1, bytes: 16384 };

const MB = 1024 * 1024;

function verdictOf(base: number[], news: number[], more: Partial<Figure> = {}): string {
  return decide({ base, new: news, bytesPerUnit: 1, ...more }, THRESHOLD).verdict;
}

describe('one run each', () => {
  test('both thresholds must be exceeded', () => {
    expect(verdictOf([MB], [MB + 16384])).toBe('same'); // 16 KiB is not above 16 KiB
    expect(verdictOf([MB], [MB + 16385])).toBe('regression');
    expect(verdictOf([MB], [MB - 16385])).toBe('improvement');
    expect(verdictOf([0], [16384])).toBe('same');
    expect(verdictOf([0], [16385])).toBe('regression');
    expect(verdictOf([100 * MB], [101 * MB])).toBe('same'); // 0.99 % of the larger
    // 1.005 % of base, 0.995 % of new: the larger side counts, as the other way round.
    expect(verdictOf([100_000_000], [101_005_000])).toBe('same');
    expect(verdictOf([101_005_000], [100_000_000])).toBe('same');
    expect(verdictOf([100 * MB], [102 * MB])).toBe('regression');
  });

  test('the difference, in per cent of base', () => {
    expect(decide({ base: [MB], new: [2 * MB], bytesPerUnit: 1 }, THRESHOLD)).toMatchObject({
      delta: MB,
      deltaPct: 100,
      p: null,
      confidence: null,
      reason: 'one run each, and the change exceeds 1 % and 16 KiB',
    });
  });

  test('up from nothing has no percentage', () => {
    expect(decide({ base: [0], new: [MB], bytesPerUnit: 1 }, THRESHOLD)).toMatchObject({
      delta: MB,
      deltaPct: null,
      verdict: 'regression',
    });
  });

  test('a unit stands for bytes against the threshold', () => {
    expect(verdictOf([4], [8], { bytesPerUnit: 4096 })).toBe('same');
    expect(verdictOf([4], [9], { bytesPerUnit: 4096 })).toBe('regression');
    expect(verdictOf([0], [1], { bytesPerUnit: null })).toBe('regression');
  });
});

describe('too few runs for a test', () => {
  test('ranges that do not overlap decide', () => {
    const decision = decide(
      { base: [MB, MB + 100, MB - 100], new: [2 * MB, 3 * MB], bytesPerUnit: 1 },
      THRESHOLD,
    );
    expect(decision).toMatchObject({
      baseMedian: MB,
      newMedian: 2.5 * MB,
      verdict: 'regression',
      p: null,
      reason:
        '3+2 runs are too few for a p below 0.05; the ranges do not overlap, and the change ' +
        'exceeds 1 % and 16 KiB',
    });
    expect(decision.confidence?.level).toBeCloseTo(0.8);
  });

  test('ranges that overlap are noise', () => {
    const decision = decide(
      { base: [1, 3 * MB, MB], new: [2 * MB, 4 * MB], bytesPerUnit: 1 },
      THRESHOLD,
    );
    expect(decision).toMatchObject({
      verdict: 'noise',
      isReal: false,
      reason: '3+2 runs are too few for a p below 0.05, and the ranges overlap',
    });
  });

  test('a value that both sides have is an overlap', () => {
    expect(verdictOf([MB, 2 * MB], [2 * MB, 4 * MB])).toBe('noise');
  });
});

describe('enough runs', () => {
  const base = [MB, MB + 1, MB + 2, MB + 3];

  test('4+4: the test decides', () => {
    const decision = decide({ base, new: base.map((v) => v + MB), bytesPerUnit: 1 }, THRESHOLD);
    expect(decision).toMatchObject({
      verdict: 'regression',
      reason: 'p = 0.029 (n = 4+4), and the change exceeds 1 % and 16 KiB',
    });
    expect(decision.p).toBeCloseTo(2 / 70, 12);
  });

  test('4+4: one outlier on the wrong side is too much', () => {
    const decision = decide(
      { base, new: [MB - 1, 2 * MB, 2 * MB + 1, 2 * MB + 2], bytesPerUnit: 1 },
      THRESHOLD,
    );
    expect(decision.verdict).toBe('noise');
    expect(decision.reason).toMatch(/^p = 0\.\d+ \(n = 4\+4\)$/);
  });

  test('a difference below the thresholds is the same, however sure', () => {
    const decision = decide({ base, new: base.map((v) => v + 10), bytesPerUnit: 1 }, THRESHOLD);
    expect(decision).toMatchObject({ verdict: 'same', isReal: true });
  });
});

describe('figures that are not exact', () => {
  test('what comes and goes: three deviations are no change', () => {
    // 10 objects of 4 KiB in flight on average in either run: 3 * sqrt(20) = 13.4 objects.
    const variance = 20 * 4096 ** 2;
    expect(verdictOf([10 * 4096], [23 * 4096], { variance })).toBe('noise');
    expect(verdictOf([10 * 4096], [24 * 4096], { variance })).toBe('regression');
  });

  test('with a test that is decided by the test', () => {
    const variance = 20 * 4096 ** 2;
    const base = [10, 11, 10, 11].map((n) => n * 4096);
    const news = [20, 21, 20, 21].map((n) => n * 4096);
    expect(verdictOf(base, news, { variance })).toBe('regression');
  });

  test('a doubt stands whatever the number of runs', () => {
    const doubt = { most: MB, through: 'events were lost' };
    const base = [MB, MB + 1, MB + 2, MB + 3];
    const decision = decide(
      { base, new: base.map((v) => v + MB), bytesPerUnit: 1, doubt },
      THRESHOLD,
    );
    expect(decision).toMatchObject({ verdict: 'noise', reason: 'events were lost', isReal: false });
    expect(
      verdictOf(
        base,
        base.map((v) => v + MB + 1),
        { doubt },
      ),
    ).toBe('regression');
  });

  test('a void difference is noise, but real for gates', () => {
    const figure = { base: [MB], new: [2 * MB], bytesPerUnit: 1, void: 'speed, not memory' };
    expect(decide(figure, THRESHOLD)).toMatchObject({
      verdict: 'noise',
      reason: 'speed, not memory',
      isReal: true,
    });
  });
});
