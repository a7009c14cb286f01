// kallsyms and VMCOREINFO → addresses of the kernel's own symbols in this image. KASLR moves them at
// every boot: where kallsyms.txt (or System.map) is elsewhere than VMCOREINFO says, its addresses
// are moved by the difference, and what that means is kept for the match with the trace.

import { hiOf, loOf, wrap64 } from '../../base/address.ts';
import type { SymbolTable } from '../../kernel/symbols/symbols.ts';
import type { VmcoreInfo } from './vmcoreinfo.ts';

/** Symbols that VMCOREINFO and kallsyms both name. */
const COMMON: readonly string[] = [
  '_stext',
  'swapper_pg_dir',
  'init_top_pgt',
  'init_uts_ns',
  'node_online_map',
  'prb',
];
/** Below it are per-CPU symbols as offsets (up to 6.14), which KASLR does not move. */
const START_KERNEL_MAP = 0xffffffff80000000n;

/**
 * How kallsyms and the image agree: `same` addresses; `link-time` ones as System.map has (moved by
 * KERNELOFFSET); `other-boot` of this kernel; `other-kernel`; `unknown` where there is only one.
 */
export type SymbolAgreement = 'same' | 'link-time' | 'other-boot' | 'other-kernel' | 'unknown';

export class KernelSymbols {
  readonly agreement: SymbolAgreement;
  /** What is added to an address of kallsyms. */
  readonly shift: bigint;
  private readonly kallsyms: SymbolTable | undefined;
  private readonly vmcoreinfo: VmcoreInfo | undefined;
  private readonly known = new Map<string, bigint | undefined>();

  constructor(kallsyms: SymbolTable | undefined, vmcoreinfo: VmcoreInfo | undefined) {
    this.vmcoreinfo = vmcoreinfo;
    // Where kptr_restrict hid them from whoever copied the file, all addresses are 0.
    const readable = kallsyms?.hasAddresses === true ? kallsyms : undefined;
    const { agreement, shift } = compare(readable, vmcoreinfo);
    this.agreement = agreement;
    this.shift = shift;
    this.kallsyms = agreement === 'other-kernel' ? undefined : readable;
  }

  /** The address of a symbol of the kernel (not of a module), or undefined. */
  addressOf(name: string): bigint | undefined {
    if (this.known.has(name)) return this.known.get(name);
    const address = this.lookUp(name);
    this.known.set(name, address);
    return address;
  }

  /** A code address as %pS prints it: `symbol+0xoff/0xsize [module]`, the bare address without one. */
  describe(address: bigint): string {
    const own = wrap64(address - this.shift);
    return this.kallsyms?.describe(hiOf(own), loOf(own)) ?? `0x${address.toString(16)}`;
  }

  private lookUp(name: string): bigint | undefined {
    const own = this.vmcoreinfo?.symbol(name);
    if (own !== undefined) return own;
    const address = this.kallsyms?.addressOf(name);
    if (address === undefined || address < START_KERNEL_MAP) return address;
    return wrap64(address + this.shift);
  }
}

function compare(
  kallsyms: SymbolTable | undefined,
  vmcoreinfo: VmcoreInfo | undefined,
): { agreement: SymbolAgreement; shift: bigint } {
  const unknown = { agreement: 'unknown', shift: 0n } as const;
  if (kallsyms === undefined || vmcoreinfo === undefined) return unknown;
  const shifts = COMMON.flatMap((name) => {
    const there = vmcoreinfo.symbol(name);
    const here = kallsyms.addressOf(name);
    return there === undefined || here === undefined ? [] : [there - here];
  });
  const [shift] = shifts;
  if (shift === undefined) return unknown;
  if (shifts.some((s) => s !== shift)) return { agreement: 'other-kernel', shift: 0n };
  if (shift === 0n) return { agreement: 'same', shift };
  const linkTime = shift === vmcoreinfo.kernelOffset;
  return { agreement: linkTime ? 'link-time' : 'other-boot', shift };
}
