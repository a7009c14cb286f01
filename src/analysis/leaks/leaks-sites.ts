// Call sites by name for leak candidates. An address in memory that was a module's initialisation code
// and is another module's code now has two names; the snapshot decides: the caller of an allocator
// stands behind a call instruction, and only one of the two codes has one there.

import { hiOf, loOf } from '../../base/address.ts';
import type { Site } from '../../kernel/indices.ts';
import { ModuleSections } from '../../kernel/symbols/module-sections.ts';
import type { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { type SiteName, siteLabel } from '../../run/site-names.ts';
import { type KernelReader, MissingMemory } from '../../snapshot/kernel/kernel-reader.ts';
import type { OtherObject } from '../../snapshot/scan/build-scan.ts';

export interface LeakSite {
  readonly address: bigint | null;
  /** `function+0xoff`, `.init.text+0xoff`; null where nothing names it. */
  readonly symbol: string | null;
  readonly module: string | null;
  /** What lies or lay at the same address, where that is not sure. */
  readonly alsoSymbol: string | null;
}

const NO_SITE: LeakSite = { address: null, symbol: null, module: null, alsoSymbol: null };

/** The site of a candidate is what `ofRow` and `ofOther` say, whatever asks for it. */
export class LeakSites {
  private readonly run: ResolvedRun;
  private readonly sections: ModuleSections;
  private readonly reader: KernelReader;
  private readonly symbols: SymbolTable | undefined;
  private readonly names = new Map<number, LeakSite>();

  constructor(
    run: ResolvedRun,
    sidecars: SidecarFiles,
    reader: KernelReader,
    symbols: SymbolTable | undefined,
  ) {
    this.run = run;
    this.symbols = symbols;
    this.sections = new ModuleSections(sidecars.text('module_sections.txt') ?? '');
    this.reader = reader;
  }

  /** @param site index into `Dictionary.sites` */
  get(site: Site): LeakSite {
    let name = this.names.get(site);
    if (name === undefined) {
      name = this.decide(this.run.sites.get(site));
      this.names.set(site, name);
    }
    return name;
  }

  /** Of an object of the trace. @param row of `run.live` */
  ofRow(row: number): LeakSite {
    return this.get(this.siteOfRow(row));
  }

  /** Index into `Dictionary.sites`: the site of the event, or what stands behind it in the stack. */
  siteOfRow(row: number): number {
    const { live, callers, dictionary } = this.run;
    return callers.callerOf(dictionary.calls.site(live.call(row)), live.stack(row));
  }

  /** Of an object that is no row: of a vmalloc area its caller, which its vm_struct names. */
  ofOther(object: OtherObject): LeakSite {
    if (object.kind !== 'vmalloc' || object.area.caller === 0n) return NO_SITE;
    return this.ofAddress(object.area.caller);
  }

  /** A code address that is no call site of the trace. */
  private ofAddress(address: bigint): LeakSite {
    const found = this.symbols?.resolve(hiOf(address), loOf(address));
    const symbol = found === undefined ? null : `${found.name}+0x${found.offset.toString(16)}`;
    return this.decide({ address, symbol, module: found?.module ?? null });
  }

  /** `function+0xoff [module]`, `[module .init.text+0xoff]`, an address, or `?`. */
  label(site: Site): string {
    return leakSiteLabel(this.get(site));
  }

  private decide(own: SiteName): LeakSite {
    const known = { ...own, alsoSymbol: null };
    if (own.address === null) return known;
    const [init] = this.sections.initCodeAt(own.address);
    if (init === undefined || init.module === own.module) return known;
    const symbol = `${init.section}+0x${init.offset.toString(16)}`;
    const asInit = { address: own.address, symbol, module: init.module };
    if (own.symbol === null) return { ...asInit, alsoSymbol: null };
    switch (this.followsCall(own.address)) {
      case true:
        return known;
      case false:
        return { ...asInit, alsoSymbol: siteLabel(own) };
      default:
        return { ...known, alsoSymbol: leakSiteLabel({ ...asInit, alsoSymbol: null }) };
    }
  }

  /** True where the code that is there now has a call (x86-64) before the address. */
  private followsCall(address: bigint): boolean | undefined {
    try {
      const code = this.reader.bytes(address - 7n, 7);
      if (code[2] === 0xe8) return true;
      // call *reg, call *disp(reg), call *disp32(reg): ff /2
      return [5, 4, 3, 1, 0].some((i) => code[i] === 0xff && ((code[i + 1] ?? 0) & 0x38) === 0x10);
    } catch (error) {
      if (error instanceof MissingMemory) return undefined;
      throw error;
    }
  }
}

export function leakSiteLabel({ address, symbol, module }: LeakSite): string {
  if (symbol?.startsWith('.') === true && module !== null) return `[${module} ${symbol}]`;
  return siteLabel({ address, symbol, module });
}

/** False where nothing is known of a site, so that two of them need not be the same. */
export function isKnownSite({ address, symbol }: LeakSite): boolean {
  return address !== null || symbol !== null;
}
