// A profile as stacks of names with one number each, outermost first, the cache innermost: what flame
// graphs are drawn of. Two profiles give two numbers each; builds of a kernel then compare by
// function, without what the compiler adds to a name.

import { present } from '../base/assert.ts';
import { compareText } from '../base/format-address.ts';
import { inModule } from '../kernel/symbols/in-module.ts';
import { functionName } from './function-name.ts';
import type { Profile, ProfileFrame, ProfileSample } from './profile.ts';

/** What the number of a stack is. */
export type ProfileValue =
  | 'live-bytes'
  | 'live-objects'
  | 'live-wasted'
  | 'alloc-bytes'
  | 'alloc-objects'
  | 'alloc-wasted';

export interface NamedStack {
  readonly names: readonly string[];
  /** One for each profile. */
  readonly values: readonly number[];
}

function amountOf({ live, allocated }: ProfileSample, value: ProfileValue): number {
  switch (value) {
    case 'live-bytes':
      return live.bytes;
    case 'live-objects':
      return live.objects;
    case 'live-wasted':
      return live.bytes - live.requested;
    case 'alloc-bytes':
      return allocated.bytes;
    case 'alloc-objects':
      return allocated.objects;
    case 'alloc-wasted':
      return allocated.bytes - allocated.requested;
  }
}

/** The stacks that have a value in any of the profiles, by their names. */
export function nameStacks(profiles: readonly Profile[], value: ProfileValue): NamedStack[] {
  const isCompared = profiles.length > 1;
  const stacks = new Map<string, { names: string[]; values: number[] }>();
  profiles.forEach(({ frames, samples }, i) => {
    for (const sample of samples) {
      const amount = amountOf(sample, value);
      if (amount === 0) continue;
      const names = sample.frames
        .map((frame) => frameName(present(frames[frame]), isCompared))
        .reverse();
      names.push(cacheName(sample.cache));
      const key = JSON.stringify(names);
      const stack = stacks.get(key) ?? { names, values: profiles.map(() => 0) };
      stack.values[i] = (stack.values[i] ?? 0) + amount;
      stacks.set(key, stack);
    }
  });
  return [...stacks].sort(([a], [b]) => compareText(a, b)).map(([, stack]) => stack);
}

/** `alloc_inode`, `docase [labbug]`, `0xffffffff81000010` */
function frameName({ name, module, address }: ProfileFrame, isCompared: boolean): string {
  if (name === null) return address === null ? '?' : `0x${address.toString(16)}`;
  const own = isCompared ? functionName(name) : name;
  return inModule(own, module);
}

/** `[kmalloc-64]`: no function has brackets. */
function cacheName(cache: string | null): string {
  return `[${cache ?? 'cache not known'}]`;
}
