// One snapshot and the trace's live objects → every object's colour, and what a report says of it.

import { basename } from 'node:path';
import { counted, formatBytes } from '../../base/bytes-format.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { OpenedRun } from '../../run/open-run.ts';
import { assertMatch, type OpenedVmcore } from '../../run/open-vmcore.ts';
import { matchTrace } from '../../snapshot/kernel/match-trace.ts';
import { readCpus } from '../../snapshot/kernel/per-cpu.ts';
import type { Annotation } from '../../snapshot/scan/annotations.ts';
import { pageFields } from '../../snapshot/scan/boot-memory.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import {
  buildGraph,
  type Colours,
  colourObjects,
  type ReferenceGraph,
} from '../../snapshot/scan/colours.ts';
import { buildConservativeScan } from '../../snapshot/scan/conservative-scan.ts';
import { buildKernelScan } from '../../snapshot/scan/kernel-scan.ts';
import type { ObjectColumns } from '../../snapshot/scan/object-list.ts';
import type { FoundReferences } from '../../snapshot/scan/references.ts';
import type { PageFields } from '../../snapshot/scan/scan-memory.ts';
import { ROOT_CLASSES } from '../../snapshot/scan/scan-plan.ts';
import { parseVmallocinfo } from '../../snapshot/scan/vmalloc-areas.ts';
import { DescribedObjects } from './leaks-objects.ts';
import type { ScanSummary, SnapshotSummary } from './leaks-result.ts';
import { LeakSites } from './leaks-sites.ts';
import { scanInThreads } from './leaks-threads.ts';
import { type LiveTrace, traceColumns } from './leaks-traced.ts';

/** Objects that miss from the image and do no harm. */
const MISSING_SHARE = 0.01;

export interface SnapshotScanOptions {
  readonly conservative: boolean;
  readonly pretrace: boolean;
  readonly wantsChecksum: boolean;
  readonly annotations: readonly Annotation[];
  readonly progress: Progress;
}

/** One snapshot, scanned. */
export interface ScannedSnapshot {
  readonly vmcore: OpenedVmcore;
  readonly built: BuiltScan;
  readonly pages: PageFields;
  readonly colours: Colours;
  /** As they would be if the user's annotations painted none: all white ones, and what these keep. */
  readonly unpainted: { readonly objects: ObjectColumns; readonly colours: Colours };
  readonly graph: ReferenceGraph;
  readonly trace: LiveTrace;
  readonly sites: LeakSites;
  readonly objects: DescribedObjects;
  readonly conservative: boolean;
  readonly summary: ScanSummary;
  readonly snapshot: SnapshotSummary;
  readonly notes: readonly string[];
}

/**
 * @throws TraceFormatError where the snapshot is of another boot, or the trace has no addresses
 */
export async function scanSnapshot(
  loaded: OpenedRun,
  vmcore: OpenedVmcore,
  options: SnapshotScanOptions,
): Promise<ScannedSnapshot> {
  const { run } = loaded;
  const { kernel, slub } = vmcore;
  if (run.info.hashedPointers) {
    throw new TraceFormatError(
      `${loaded.origin.sources.join(', ')}: pointers are hashed, so nothing can be found in a snapshot`,
      { hint: 'Boot with no_hash_pointers, or record in a binary form.' },
    );
  }
  const sites = new LeakSites(run, vmcore.sidecars, kernel.reader, codeSymbols(loaded, vmcore));
  const caches = 'reason' in slub ? [] : slub.caches;
  const trace = traceColumns(run, sites, options.annotations, caches);
  const evidence = slub !== undefined && !('reason' in slub) ? slub : undefined;
  const match = matchTrace(kernel, evidence, { ...vmcore.evidence, live: trace });
  assertMatch(vmcore.path, match);
  const conservative = options.conservative || 'reason' in slub;
  const vmallocinfo = loaded.sidecars.text('vmallocinfo.txt');
  const notes: string[] = [];
  let built: BuiltScan;
  if (conservative || 'reason' in slub) {
    const why = 'reason' in slub ? `: ${slub.reason}` : '';
    notes.push(`Conservative scan${why}. All memory that is no object counts as a root.`);
    built = buildConservativeScan(kernel.space, trace);
  } else {
    const kernelScan = buildKernelScan(slub, trace, {
      pretrace: options.pretrace,
      vmallocinfo: vmallocinfo === undefined ? undefined : parseVmallocinfo(vmallocinfo),
    });
    notes.push(...kernelScan.notes);
    if (kernelScan.freed > 0) {
      notes.push(
        counted(
          kernelScan.freed,
          'object that the trace holds live is free in the snapshot',
          'objects that the trace holds live are free in the snapshot',
        ) + ' (freed without an event), and no object here.',
      );
    }
    built = kernelScan;
  }
  const pages = pageFields(kernel);
  const found = await options.progress.during(
    `scanning ${basename(vmcore.path)}`,
    (tell) => scanInThreads(kernel, built, pages, tell),
    { blocks: true },
  );
  const missing = missingNote(found);
  if (missing !== undefined) notes.push(missing);
  const graph = buildGraph(built.objects.count, found);
  const colours = colourObjects(built.objects, graph, found, built.excess);
  const objects = new DescribedObjects({
    run,
    trace,
    sites,
    built,
    reader: kernel.reader,
    caches,
    cpus: readCpus(kernel),
    wantsChecksum: options.wantsChecksum,
  });
  return {
    vmcore,
    built,
    pages,
    colours,
    unpainted: colourUnpainted(built, graph, found) ?? { objects: built.objects, colours },
    graph,
    trace,
    sites,
    objects,
    conservative,
    summary: summarizeScan(built, colours, found, conservative),
    snapshot: {
      path: vmcore.path,
      format: kernel.snapshot.format,
      kernelRelease: kernel.release ?? null,
      layouts: kernel.layout?.source ?? null,
      evidence: match.evidence.map(({ text }) => text),
      findings: kernel.findings.list(),
    },
    notes,
  };
}

/** Undefined where nothing is painted. */
function colourUnpainted(
  { objects, painted, excess }: BuiltScan,
  graph: ReferenceGraph,
  found: readonly FoundReferences[],
): ScannedSnapshot['unpainted'] | undefined {
  if (painted.size === 0) return undefined;
  const minCount = objects.minCount.slice();
  for (const [i, min] of painted) minCount[i] = min;
  const bare = { ...objects, minCount };
  return { objects: bare, colours: colourObjects(bare, graph, found, excess) };
}

function summarizeScan(
  { objects }: BuiltScan,
  colours: Colours,
  found: readonly FoundReferences[],
  conservative: boolean,
): ScanSummary {
  const bytes = (i: number): number => found.reduce((sum, f) => sum + (f.bytes[i] ?? 0), 0);
  const roots = ROOT_CLASSES.map((name, i) => ({ name, bytes: bytes(i) })).filter(
    (root) => root.bytes > 0,
  );
  const rootBytes = roots.reduce((sum, root) => sum + root.bytes, 0);
  const objectBytes = bytes(ROOT_CLASSES.length);
  return {
    roots,
    rootBytes,
    objectBytes,
    bytesScanned: rootBytes + objectBytes,
    bytesMissing: found.reduce((sum, f) => sum + f.missing, 0),
    objects: objects.count,
    white: colours.white,
    gray: colours.gray,
    black: colours.black,
    conservative,
    threads: found.length,
  };
}

/** Names of code, modules' too: of a file beside the events, else inside the trace, else the image's. */
function codeSymbols({ sidecars }: OpenedRun, vmcore: OpenedVmcore): SymbolTable | undefined {
  const inTrace = vmcore.sidecars.taken.has('kallsyms.txt')
    ? undefined
    : sidecars.bytes('kallsyms.txt');
  return inTrace === undefined ? vmcore.kernel.kallsyms : new SymbolTable(inTrace);
}

/** What a filtered or cut image does to the answer; undefined where it is whole enough. */
function missingNote(found: readonly FoundReferences[]): string | undefined {
  const sum = (of: (f: FoundReferences) => number): number =>
    found.reduce((total, f) => total + of(f), 0);
  const missing = sum((f) => f.missingInSmall);
  const all = missing + sum((f) => f.bytes[ROOT_CLASSES.length] ?? 0);
  if (missing <= all * MISSING_SHARE) return undefined;
  return (
    `${formatBytes(missing)} of ${formatBytes(all)} in objects are not in the image: what only ` +
    'they refer to looks unreferenced.'
  );
}
