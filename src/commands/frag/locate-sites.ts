// Call sites of a run → file and line, where a vmlinux with debug information is beside the
// recording or is named. KASLR is taken away by where `_text` was; sites in modules have no line.

import { join } from 'node:path';
import { InputError } from '../../base/errors.ts';
import { fileStat } from '../../base/file-stat.ts';
import { demangleRust } from '../../kernel/symbols/rust-names.ts';
import { functionOf, type SymbolTable } from '../../kernel/symbols/symbols.ts';
import { findSource, sidecarFolders } from '../../recording/find-source.ts';
import type { SiteName } from '../../run/site-names.ts';
import { siteLabel } from '../../run/site-names.ts';
import type { SourceOptions } from '../../run/source.ts';
import { linkedText, readSourceLines, type SourceLine } from './source-lines.ts';

export interface LocatedSites {
  /** By `siteLabel`. */
  readonly lines: ReadonlyMap<string, SourceLine>;
  readonly notes: readonly string[];
}

const NOT_MOVED =
  'vmlinux is not used: where the kernel was in memory is not known (no kallsyms.txt).';
const NO_LINES = 'vmlinux tells no lines: it has no debug information, or is of another kernel.';
const FOREIGN =
  'vmlinux is not used: its functions have other addresses than those of this kernel.';

/**
 * The vmlinux of a source: the one that is named, else the one in its folders.
 * @throws InputError where the named one is not there
 */
export function findVmlinux(
  { source, sidecars }: SourceOptions,
  named: string | undefined,
): string | undefined {
  const isFile = (path: string): boolean => fileStat(path)?.isFile() ?? false;
  if (named !== undefined) {
    if (!isFile(named)) throw new InputError(`${named}: no such file`);
    return named;
  }
  const found = findSource(source);
  const own = found.kind === 'database' ? undefined : found.folder;
  return sidecarFolders(sidecars, own)
    .map((folder) => join(folder, 'vmlinux'))
    .find(isFile);
}

/** @throws ToolError where the file is no vmlinux or addr2line is missing */
export async function locateSites(
  vmlinux: string,
  sites: readonly SiteName[],
  symbols: SymbolTable | undefined,
): Promise<LocatedSites> {
  const text = symbols?.addressOf('_text') ?? symbols?.addressOf('_stext');
  const none = new Map<string, SourceLine>();
  if (symbols === undefined || text === undefined) return { lines: none, notes: [NOT_MOVED] };
  const moved = text - linkedText(vmlinux);
  const wanted = new Map<bigint, SiteName>();
  for (const site of sites) {
    const address = site.module === null ? addressOf(site, symbols) : undefined;
    // A return address is behind its call, which may end a line.
    if (address !== undefined) wanted.set(BigInt.asUintN(64, address - moved - 1n), site);
  }
  const found = await readSourceLines(vmlinux, [...wanted.keys()]);
  if (wanted.size > 0 && found.size === 0) return { lines: none, notes: [NO_LINES] };
  const lines = new Map<string, SourceLine>();
  let others = 0;
  for (const [address, line] of found) {
    const site = wanted.get(address);
    if (site === undefined) continue;
    if (baseName(functionOf(site.symbol ?? '')) !== baseName(demangleRust(line.function))) others++;
    else lines.set(siteLabel(site), line);
  }
  return others > lines.size ? { lines: none, notes: [FOREIGN] } : { lines, notes: [] };
}

/** Text traces print names only. */
function addressOf({ address, symbol }: SiteName, symbols: SymbolTable): bigint | undefined {
  if (address !== null || symbol === null) return address ?? undefined;
  const [, name, offset] = /^(.+)\+0x([0-9a-f]{1,8})$/.exec(symbol) ?? [];
  const start = name === undefined ? undefined : symbols.addressOf(name);
  return start === undefined ? undefined : start + BigInt(`0x${offset}`);
}

/** `getname_flags.part.0` is in the source `getname_flags`. */
function baseName(name: string): string {
  return name.replace(/\..*$/, '');
}
