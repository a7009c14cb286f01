// An opened snapshot → what SLUB's checks find in it: in every slab that the kernel's own structures
// lead to, else in those that the trace knows.

import { counted } from '../../base/bytes-format.ts';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import type { ProgressListener } from '../../base/progress.ts';
import { parseKernelConfig } from '../../kernel/machine/kernel-config.ts';
import { openRun } from '../../run/open-run.ts';
import type { OpenedVmcore } from '../../run/open-vmcore.ts';
import { cacheSelector } from '../../run/selection.ts';
import type { SourceOptions } from '../../run/source.ts';
import type { Findings } from '../../snapshot/findings.ts';
import type { CacheOccupancy } from '../../snapshot/slub-walk/occupancy.ts';
import type { SlabReport } from '../../snapshot/validate/slab-report.ts';
import { validateTraced } from '../../snapshot/validate/traced-slabs.ts';
import { validateSlabs } from '../../snapshot/validate/validate-slabs.ts';
import { tracedSlabs } from './validate-traced.ts';

export interface CheckedSlabs {
  readonly slabs: number;
  readonly objects: number;
  readonly objectsUnchecked: number;
  readonly reports: readonly SlabReport[];
  readonly reportsLeftOut: number;
  readonly caches: readonly CacheOccupancy[];
  /** Null where the kernel's caches cannot be read. */
  readonly debugCaches: number | null;
  /** What the image lacks or gets wrong, one sentence each. */
  readonly notes: readonly string[];
}

const CUT_OFF = 'The image ends too early: copy it again.';
const LAYOUT_HINT =
  'kallsyms.txt, struct-offsets.txt, btf or vmlinux beside it, or in --sidecars DIR, help.';

/** @throws ToolError where slabs cannot be walked, or there is none to look at */
export function checkAllSlabs(
  { path, kernel, slub, sidecars }: OpenedVmcore,
  options: SourceOptions,
  tell: ProgressListener,
): CheckedSlabs {
  if ('reason' in slub) {
    throw new TraceFormatError(`${path}: its slabs cannot be walked: ${slub.reason}`, {
      hint: isCutOff(kernel.findings) ? CUT_OFF : LAYOUT_HINT,
    });
  }
  const globs = options.selection?.caches ?? [];
  const config = parseKernelConfig(sidecars.text('config') ?? '');
  const validation = validateSlabs(slub, config, cacheSelector(globs), () => tell(0));
  const { slabs, caches, notUnderstood, objectsUnchecked } = validation;
  if (caches.length === 0) {
    throw new UsageError(`--cache ${globs.join(' --cache ')}: the snapshot has no such cache`);
  }
  if (slabs === 0 && globs.length === 0) {
    throw new TraceFormatError(`${path}: no slab of the kernel is in the image`, {
      hint: isCutOff(kernel.findings) ? CUT_OFF : 'Was kernel memory left out when it was written?',
    });
  }
  const notes = [...findingNotes(kernel.findings), ...findingNotes(validation.findings)];
  if (objectsUnchecked > 0) notes.push(uncheckedNote(objectsUnchecked));
  if (notUnderstood.length > 0) {
    notes.push(
      `the debug data of ${counted(notUnderstood.length, 'cache')} are laid out in an unknown way, so ` +
        `only the freelists were checked (${notUnderstood.slice(0, 3).join(', ')})`,
    );
  }
  return { ...validation, notes };
}

/**
 * Where the kernel's structures cannot be read: the slabs of the trace's live objects.
 * @throws ToolError where the trace cannot be read, or knows no slab in which something can be checked
 */
export async function checkTracedSlabs(
  { path, kernel, slub }: OpenedVmcore,
  options: SourceOptions,
): Promise<CheckedSlabs> {
  const reason = 'reason' in slub ? slub.reason : '';
  const slabs = tracedSlabs(await openRun(options), cacheSelector(options.selection?.caches ?? []));
  if (slabs.length === 0) {
    throw new TraceFormatError(
      `${path}: its slabs cannot be walked: ${reason}; and the trace has no live object in a cache ` +
        'with red zones, poison or tracks',
      { hint: isCutOff(kernel.findings) ? CUT_OFF : LAYOUT_HINT },
    );
  }
  const validation = validateTraced(kernel, slabs);
  const notes = [
    `${reason}: only slabs that the trace knows were looked at, and no freelists`,
    ...findingNotes(kernel.findings),
  ];
  const { objectsUnchecked, slabsGone } = validation;
  if (objectsUnchecked > 0) notes.push(uncheckedNote(objectsUnchecked));
  if (slabsGone > 0)
    notes.push(
      `${counted(slabsGone, 'slab of the trace holds', 'slabs of the trace hold')} something else by now`,
    );
  return { ...validation, reportsLeftOut: 0, caches: [], debugCaches: null, notes };
}

/** Findings of the walk that are among the reports. */
const REPORTED: ReadonlySet<string> = new Set(['freelist_broken', 'freelist_count']);

function findingNotes(findings: Findings): string[] {
  return findings
    .list()
    .filter(({ name }) => !REPORTED.has(name))
    .map(({ count, text, first }) => `${text}: ${count} (first: ${first})`);
}

function uncheckedNote(objects: number): string {
  return `${counted(objects, 'object')} could not be checked: the image lacks ${objects === 1 ? 'its' : 'their'} memory`;
}

function isCutOff(findings: Findings): boolean {
  return findings.get('truncated') > 0;
}
