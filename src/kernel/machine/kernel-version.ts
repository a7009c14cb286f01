// Kernel releases, and the point releases whose rules are known (docs/model-rules.md).

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** '6.1.0-56-amd64' → 6.1; undefined where the text does not begin with a release. */
export function parseRelease(release: string | null): KernelVersion | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  return major === undefined || minor === undefined
    ? undefined
    : { major: Number(major), minor: Number(minor) };
}

/** True for `version` and everything newer; an unknown release counts as new. */
export function isAtLeast(
  version: KernelVersion | undefined,
  major: number,
  minor: number,
): boolean {
  if (version === undefined) return true;
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** `Linux version 6.1.0-56-amd64 (…)` or `Linux host 6.1.0-56-amd64 #1 …`: the release in it. */
export function releaseFromText(text: string): string | null {
  return /^Linux (?:version )?(?:\S+ )?(\d+\.\d+\S*)/.exec(text.trim())?.[1] ?? null;
}
