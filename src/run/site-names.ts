// What call sites are called: `symbol+0xoff` and the module, from kallsyms for addresses, as the
// trace printed them for texts. Sites with one name are one site in every report.

import { joinHalves } from '../base/address.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { Site } from '../kernel/indices.ts';
import type { ModuleMap } from '../kernel/symbols/module-map.ts';
import { demangleRust } from '../kernel/symbols/rust-names.ts';
import { functionOf, type SymbolTable, splitSymbol } from '../kernel/symbols/symbols.ts';

export interface SiteName {
  /** The address; null where the trace printed only a name. */
  readonly address: bigint | null;
  /** `symbol+0xoff`, Rust names as in the source; null where nothing names the address. */
  readonly symbol: string | null;
  /** The module; null for the kernel itself, or where it is not known. */
  readonly module: string | null;
}

export class SiteNames {
  private readonly dictionary: Dictionary;
  private readonly symbols: SymbolTable | undefined;
  private readonly modules: ModuleMap | undefined;
  private readonly names: (SiteName | undefined)[] = [];

  constructor(dictionary: Dictionary, symbols: SymbolTable | undefined, modules?: ModuleMap) {
    this.dictionary = dictionary;
    this.symbols = symbols;
    this.modules = modules;
  }

  get(site: Site): SiteName {
    let name = this.names[site];
    if (name === undefined) {
      name = this.resolve(site);
      this.names[site] = name;
    }
    return name;
  }

  /** `symbol+0xoff [module]`, else the address, else '?': one text for one site. */
  label(site: Site): string {
    return siteLabel(this.get(site));
  }

  /** `symbol+0xoff/0xsize [module]` as the kernel prints it (%pS), else the address; null for none. */
  printed(site: Site): string | null {
    const { sites, strings } = this.dictionary;
    const text = sites.text(site);
    const described = this.symbols?.describe(sites.hi(site), sites.lo(site));
    if (text !== 0 && described === undefined) return strings.get(text);
    return described ?? (this.get(site).address === null ? null : this.label(site));
  }

  /** The function in which a site lies. */
  functionOf(site: Site): string | undefined {
    const { symbol } = this.get(site);
    return symbol === null ? undefined : functionOf(symbol);
  }

  private resolve(site: Site): SiteName {
    const { sites, strings } = this.dictionary;
    const hi = sites.hi(site);
    const lo = sites.lo(site);
    const address = hi === 0 && lo === 0 ? null : joinHalves(hi, lo);
    const text = sites.text(site);
    const found = address === null ? undefined : this.symbols?.resolve(hi, lo);
    // A name without an offset says less than the address where symbols name that.
    if (text !== 0 && (found === undefined || strings.get(text).includes('+0x'))) {
      const { symbol, module } = splitSymbol(strings.get(text));
      return { address, symbol: readable(symbol), module: module ?? null };
    }
    if (found === undefined) {
      return { address, symbol: null, module: this.modules?.find(hi, lo)?.name ?? null };
    }
    const symbol = `${demangleRust(found.name)}+0x${found.offset.toString(16)}`;
    return { address, symbol, module: found.module ?? null };
  }
}

/** `symbol+0xoff` with the path of a Rust function in place of its mangled name. */
function readable(symbol: string): string {
  const name = functionOf(symbol);
  return demangleRust(name) + symbol.slice(name.length);
}

export function siteLabel(name: SiteName): string {
  if (name.symbol !== null) {
    return name.module === null ? name.symbol : `${name.symbol} [${name.module}]`;
  }
  if (name.address === null) return '?';
  const address = `0x${name.address.toString(16)}`;
  return name.module === null ? address : `${address} [${name.module}]`;
}
