// A profile as speedscope's JSON (jlfwong/speedscope, src/lib/file-format-spec.ts): several sampled
// profiles over one list of frames, outermost first, the cache innermost.

import type { Profile, ProfileFrame, ProfileSample } from '../../analysis/profile.ts';
import { present } from '../../base/assert.ts';
import { escapeText } from '../../render/escape.ts';

const VALUES = [
  { name: 'live bytes', unit: 'bytes', of: (s: ProfileSample) => s.live.bytes },
  {
    name: 'live bytes wasted',
    unit: 'bytes',
    of: (s: ProfileSample) => s.live.bytes - s.live.requested,
  },
  { name: 'live objects', unit: 'none', of: (s: ProfileSample) => s.live.objects },
  { name: 'allocated bytes', unit: 'bytes', of: (s: ProfileSample) => s.allocated.bytes },
  { name: 'allocations', unit: 'none', of: (s: ProfileSample) => s.allocated.objects },
] as const;

interface SharedFrame {
  readonly name: string;
  /** The module, as speedscope shows and colours by file. */
  readonly file?: string;
}

export function renderSpeedscope(profile: Profile): string {
  const { run, samples } = profile;
  const frames = new SharedFrames(profile.frames);
  const stacks = samples.map((sample) => frames.stackOf(sample));
  // Stacks with the same outer frames side by side, so that these are drawn as one.
  const order = stacks.map((_, i) => i).sort((a, b) => compareStacks(stacks[a], stacks[b]));
  const profiles = VALUES.map(({ name, unit, of }) => {
    const weights = samples.map(of);
    const used = order.filter((i) => weights[i] !== 0);
    return {
      type: 'sampled',
      name,
      unit,
      startValue: 0,
      endValue: used.reduce((sum, i) => sum + present(weights[i]), 0),
      samples: used.map((i) => stacks[i]),
      weights: used.map((i) => weights[i]),
    };
  });
  return `${JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    name: escapeText(run.label),
    exporter: 'slabreplay',
    activeProfileIndex: 0,
    shared: { frames: frames.list },
    profiles,
  })}\n`;
}

function compareStacks(a: readonly number[] = [], b: readonly number[] = []): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = present(a[i]) - present(b[i]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Frames by name and file, numbered as they come. */
class SharedFrames {
  readonly list: SharedFrame[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly frames: readonly ProfileFrame[];

  constructor(frames: readonly ProfileFrame[]) {
    this.frames = frames;
  }

  stackOf(sample: ProfileSample): number[] {
    const stack = sample.frames.map((index) => {
      const { name, module, address } = present(this.frames[index]);
      const unnamed = address === null ? '?' : `0x${address.toString(16)}`;
      return this.number(name ?? unnamed, module);
    });
    return [...stack.reverse(), this.number(`[${sample.cache ?? 'cache not known'}]`, null)];
  }

  private number(name: string, module: string | null): number {
    const key = JSON.stringify([name, module]);
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.list.length;
      this.numbers.set(key, number);
      const file = module === null ? {} : { file: `[${escapeText(module)}]` };
      this.list.push({ name: escapeText(name), ...file });
    }
    return number;
  }
}
