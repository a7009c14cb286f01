// `frag`: a source in, where memory goes that no one asked for out.

import { ToolError } from '../../base/errors.ts';
import { EVERYTHING, selectsEveryEvent } from '../../pairing/event-filter.ts';
import { StackTally } from '../../pairing/stack-tally.ts';
import { TaskTally } from '../../pairing/task-tally.ts';
import { type OpenedRun, openRun } from '../../run/open-run.ts';
import { groupSites } from '../../run/site-groups.ts';
import { type SiteName, siteLabel } from '../../run/site-names.ts';
import type { SourceOptions } from '../../run/source.ts';
import {
  buildFragmentation,
  type FragBy,
  type Fragmentation,
  type FragRow,
  type FragTallies,
} from './fragmentation.ts';
import { findVmlinux, type LocatedSites, locateSites } from './locate-sites.ts';

export interface FragOptions {
  readonly by: FragBy;
  readonly at: 'end' | 'peak';
  /** Whether the advice is also weighed in slabs, where the source allows it. */
  readonly replays: boolean;
  /** A vmlinux with debug information; undefined: the one beside the recording. */
  readonly vmlinux?: string | undefined;
  /** How many rows by site get their file and line; 0 for all. */
  readonly located: number;
}

/** Where memory goes that no one asked for. */
export async function fragmentRun(
  options: SourceOptions,
  frag: FragOptions,
): Promise<Fragmentation> {
  const { by } = frag;
  const isBySite = by === 'site' || by === 'directory';
  findVmlinux(options, frag.vmlinux); // said before a long run, not after it
  const opened = await openRun(options, {
    trackers: {
      tasks: by === 'task' ? (dictionary): TaskTally => new TaskTally(dictionary) : undefined,
      stacks: isBySite ? (): StackTally => new StackTally() : undefined,
    },
    replay: frag.replays && selectsEveryEvent(options.selection ?? EVERYTHING) ? {} : undefined,
  });
  return fragmentOpened(opened, frag);
}

/** Of a run that was opened with the trackers that `by` needs, and prepared for a replay. */
export async function fragmentOpened(
  opened: OpenedRun<FragTallies>,
  frag: FragOptions,
): Promise<Fragmentation> {
  const vmlinux = findVmlinux(opened.source.options, frag.vmlinux);
  const isWhole = selectsEveryEvent(opened.run.selection);
  const result = await buildLocated(opened, frag, opened.trackers, vmlinux);
  const { replay } = opened;
  if (!frag.replays || !isWhole || replay === undefined || result.advice.length === 0)
    return result;
  const { weighAdvice } = await import('./weigh-advice.ts');
  return { ...result, advice: await weighAdvice(opened, replay, result.advice) };
}

/** The result, with files and lines where a vmlinux is there. */
async function buildLocated(
  { run, origin, symbols }: OpenedRun,
  { by, at, located, vmlinux: named }: FragOptions,
  tallies: FragTallies,
  vmlinux: string | undefined,
): Promise<Fragmentation> {
  const plain = (more: FragTallies): Fragmentation =>
    buildFragmentation(run, by, at, origin, { ...tallies, ...more });
  if (vmlinux === undefined) return plain({});
  const locate = async (path: string, names: SiteName[]): Promise<LocatedSites> => {
    try {
      return await locateSites(path, names, symbols);
    } catch (error) {
      // A file that no one named does no harm; one that was named must be right.
      if (named !== undefined || !(error instanceof ToolError)) throw error;
      return { lines: new Map(), notes: [`No lines of sources: ${error.message}.`] };
    }
  };
  if (by === 'directory') {
    const sites = groupSites(run, at, tallies.stacks).map(({ key }) => key.siteId ?? 0);
    const names = [...new Set(sites)].map((site) => run.sites.get(site));
    const { lines, notes } = await locate(vmlinux, names);
    return withNotes(plain({ fileOf: (site) => lines.get(run.sites.label(site))?.file }), notes);
  }
  const result = plain({});
  if (by !== 'site') return result;
  const shown = located === 0 ? result.rows : result.rows.slice(0, located);
  const { lines, notes } = await locate(vmlinux, shown.map(siteOfRow));
  const rows = result.rows.map((row) => {
    const found = lines.get(siteLabel(siteOfRow(row)));
    return found === undefined ? row : { ...row, file: found.file, line: found.line };
  });
  return withNotes({ ...result, rows }, notes);
}

function siteOfRow({ site, symbol, module }: FragRow): SiteName {
  return { address: site === null ? null : BigInt(site), symbol, module };
}

function withNotes(result: Fragmentation, more: readonly string[]): Fragmentation {
  const notes = [...result.completeness.notes, ...more];
  return { ...result, completeness: { ...result.completeness, notes } };
}
