// What names the call sites of a run: the recorded symbols, moved to where the kernel lay, and where
// its modules lay. What could not be found out is said as a note (docs/symbols.md).

import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { Site } from '../kernel/indices.ts';
import { ModuleMap } from '../kernel/symbols/module-map.ts';
import { SymbolTable } from '../kernel/symbols/symbols.ts';
import { type KernelOffset, statedKernelOffset } from '../recording/kernel-offset.ts';
import { type RecordedSymbols, readSymbols } from '../recording/read-symbols.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { findKernelOffset } from './find-kernel-offset.ts';
import type { SnapshotSource } from './snapshot-offset.ts';

export interface FoundSymbols {
  /** Undefined where nothing names a site: it stays an address. */
  readonly symbols: SymbolTable | undefined;
  readonly modules: ModuleMap | undefined;
  readonly symbolNotes: readonly string[];
}

const HIDDEN =
  'kallsyms.txt has no addresses (kptr_restrict hid them) and there is no System.map: ' +
  'call sites have no names.';
const FOREIGN =
  'System.map is of another kernel: at no offset are its functions where the call sites are. ' +
  'Call sites have no names.';
const UNKNOWN_OFFSET =
  'System.map is not used: how far KASLR moved the kernel is not known. A dmesg.txt with the line ' +
  "'Kernel Offset:', a cmdline.txt with nokaslr, a snapshot or a longer trace would tell it.";

/**
 * @param recorded the symbols among the sidecars, where they were read already
 * @throws ToolError where a file is there and cannot be read
 */
export async function findSymbols(
  from: SnapshotSource,
  sidecars: SidecarFiles,
  dictionary: Dictionary,
  recorded: RecordedSymbols | undefined = readSymbols(sidecars),
): Promise<FoundSymbols> {
  const unnamed = { symbols: undefined, modules: readModules(sidecars) };
  if (recorded !== undefined && !recorded.isLinked) {
    return { ...unnamed, symbols: recorded.table, symbolNotes: [] };
  }
  if (!hasAddresses(dictionary)) return { ...unnamed, symbolNotes: [] };
  if (recorded === undefined) {
    const isHidden = sidecars.bytes('kallsyms.txt') !== undefined;
    return { ...unnamed, symbolNotes: isHidden ? [HIDDEN] : [] };
  }
  // The events go first: they are of this boot, a file beside them may be of another.
  const found = findKernelOffset(dictionary, recorded.table);
  if (found.kind === 'none') return { ...unnamed, symbolNotes: [FOREIGN] };
  const known =
    found.kind === 'found'
      ? { offset: found.offset, source: 'the call sites' }
      : (statedKernelOffset(sidecars, recorded.table) ?? (await offsetOfSnapshot(from, sidecars)));
  if (known === undefined) return { ...unnamed, symbolNotes: [UNKNOWN_OFFSET] };
  const { offset, source } = known;
  return {
    ...unnamed,
    symbols: new SymbolTable(recorded.text, offset),
    symbolNotes: [
      `Call sites are named by System.map, moved by 0x${offset.toString(16)} (from ${source}).`,
    ],
  };
}

/** False where the trace prints the names of its sites, or shows none. */
function hasAddresses({ sites }: Dictionary): boolean {
  for (let site: Site = 1; site < sites.length; site++) {
    if (sites.text(site) === 0 && (sites.hi(site) !== 0 || sites.lo(site) !== 0)) return true;
  }
  return false;
}

function readModules(sidecars: SidecarFiles): ModuleMap | undefined {
  const maps = sidecars.text('kernel_maps.txt');
  if (maps !== undefined) return ModuleMap.parse(maps);
  const modules = sidecars.text('modules.txt');
  return modules === undefined ? undefined : ModuleMap.parseModules(modules);
}

/** The readers of snapshots are loaded only where one is asked. */
async function offsetOfSnapshot(
  from: SnapshotSource,
  sidecars: SidecarFiles,
): Promise<KernelOffset | undefined> {
  const snapshot = await import('./snapshot-offset.ts');
  return snapshot.offsetOfSnapshot(from, sidecars);
}
