// The symbols that a recording has: kallsyms.txt (its own file, else the one inside the trace), or
// where that is missing or kptr_restrict made all of its addresses 0, System.map.

import { SymbolTable } from '../kernel/symbols/symbols.ts';
import type { SidecarFiles } from './sidecars.ts';

export interface RecordedSymbols {
  readonly table: SymbolTable;
  /** The bytes that `table` was made of. */
  readonly text: Buffer;
  /** True for System.map: addresses as linked, to which KASLR added an offset at boot. */
  readonly isLinked: boolean;
}

/** Undefined where there are none with addresses. */
export function readSymbols(sidecars: SidecarFiles): RecordedSymbols | undefined {
  const candidates = [sidecars.bytes('kallsyms.txt'), sidecars.offered.get('kallsyms.txt')];
  for (const text of new Set(candidates)) {
    const table = text === undefined ? undefined : new SymbolTable(text);
    if (text !== undefined && table?.hasAddresses) return { table, text, isLinked: false };
  }
  const text = sidecars.bytes('System.map');
  return text === undefined ? undefined : { table: new SymbolTable(text), text, isLinked: true };
}
