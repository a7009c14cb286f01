// A run as profilers of other systems show it: what is allocated and held by call chain, and what each
// cache holds over time.

import { buildCacheCurves, type CacheCurves } from '../../analysis/cache-curves.ts';
import { buildProfile, type Profile } from '../../analysis/profile.ts';
import { type NamedStack, nameStacks, type ProfileValue } from '../../analysis/profile-stacks.ts';
import { LiveCurve } from '../../pairing/live-curve.ts';
import { StackTally } from '../../pairing/stack-tally.ts';
import { openRun } from '../../run/open-run.ts';
import type { SourceOptions } from '../../run/source.ts';

/** What is allocated and held by call chain. */
export async function profileRun(options: SourceOptions): Promise<Profile> {
  const { run, origin, trackers } = await openRun(options, {
    trackers: { stacks: () => new StackTally() },
  });
  return buildProfile(run, trackers.stacks, origin);
}

/** The call chains of several runs by name, a number for each run. */
export async function stacksOfRuns(
  sources: readonly SourceOptions[],
  value: ProfileValue,
): Promise<NamedStack[]> {
  const profiles: Profile[] = [];
  for (const options of sources) profiles.push(await profileRun(options));
  return nameStacks(profiles, value);
}

/** Live bytes of each cache over time. */
export async function curvesOfRun(options: SourceOptions): Promise<CacheCurves> {
  const { run, origin, trackers } = await openRun(options, {
    trackers: { curve: ({ calls }) => new LiveCurve(calls) },
  });
  return buildCacheCurves(run, trackers.curve.samples, origin);
}
