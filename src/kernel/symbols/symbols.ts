// Addresses → `symbol+0xoff [module]`, from /proc/kallsyms: lines `ADDRESS TYPE NAME [TAB [MODULE]]`,
// or from System.map (the same without modules), whose addresses KASLR moved at boot by one offset.
// The name is the one that %pS prints: of several at one address the first (kernel/kallsyms.c,
// get_symbol_pos(); kernel/module/kallsyms.c, find_kallsyms_symbol()).

import { joinHalves } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';

export interface ResolvedSymbol {
  readonly name: string;
  /** Bytes behind the symbol's start. */
  readonly offset: number;
  /** Undefined for the kernel itself. */
  readonly module: string | undefined;
}

/** Offsets above this are not inside a function: the address is in no known code. */
const MAX_OFFSET = 16 * 1024 * 1024;
/** Marks behind the kernel (arch/x86/kernel/vmlinux.lds.S): what follows them is not named by them. */
const END_MARKS: ReadonlySet<string> = new Set(['_end', '__brk_limit', '__init_scratch_end']);
/** Below are per-CPU symbols as offsets (up to 6.14) and absolute ones: KASLR does not move them. */
const KERNEL_HALF = 0x8000000000000000n;

/** A function of the kernel: where it begins, and how far the next symbol is. */
export interface KernelFunction {
  readonly name: string;
  readonly start: bigint;
  readonly size: number;
}

/** The value of a hexadecimal digit (lower case) by its byte, -1 for every other byte. */
const HEX_DIGIT = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  HEX_DIGIT[digit.charCodeAt(0)] = value;
}

/** A run of symbols in the order of their addresses. */
interface SortedPart {
  readonly order: Uint32Array;
}

export class SymbolTable {
  private readonly text: Buffer;
  private hi: Uint32Array = new Uint32Array(0);
  private lo: Uint32Array = new Uint32Array(0);
  /** Where each line's type is in `text`. */
  private at: Uint32Array = new Uint32Array(0);
  private count = 0;
  private readonly parts: SortedPart[] = [];
  private readonly offset: bigint;

  /**
   * @param kallsyms the bytes of /proc/kallsyms (or of System.map); other lines are passed over
   * @param offset by how many bytes the kernel is above these addresses (modulo 2^64)
   */
  constructor(kallsyms: Buffer, offset: bigint = 0n) {
    this.text = kallsyms;
    this.offset = BigInt.asUintN(64, offset);
    this.parse();
    this.sort();
  }

  get size(): number {
    return this.count;
  }

  /** False where every address is 0: kptr_restrict hid them from whoever copied the file. */
  get hasAddresses(): boolean {
    for (let i = 0; i < this.count; i++) if (this.hi[i] !== 0 || this.lo[i] !== 0) return true;
    return false;
  }

  /** The symbol that covers an address. */
  resolve(hi: number, lo: number): ResolvedSymbol | undefined {
    const best = this.find(hi, lo);
    if (best < 0) return undefined;
    const { name, module } = this.nameAt(best);
    if (END_MARKS.has(name)) return undefined;
    return { name, module, offset: this.bytesBehind(best, hi, lo) };
  }

  /**
   * `symbol+0xoff/0xsize [module]`, as %pS prints it. The size is the way to the next symbol; of a
   * module's last one it is not known and left out.
   */
  describe(hi: number, lo: number): string | undefined {
    const best = this.find(hi, lo);
    if (best < 0) return undefined;
    const { name, module } = this.nameAt(best);
    const next = this.next(best);
    const isSame = next >= 0 && this.nameAt(next).module === module;
    const size = isSame ? this.bytesBehind(best, this.hi[next]!, this.lo[next]!) : undefined;
    const offset = `+0x${this.bytesBehind(best, hi, lo).toString(16)}`;
    const end = size === undefined ? '' : `/0x${size.toString(16)}`;
    return `${name}${offset}${end}${module === undefined ? '' : ` [${module}]`}`;
  }

  /** The address of a symbol of the kernel (not of a module), or undefined. */
  addressOf(name: string): bigint | undefined {
    const wanted = Buffer.from(` ${name}\n`);
    for (let from = 0; ; ) {
      const found = this.text.indexOf(wanted, from);
      if (found < 0) return undefined;
      const start = this.text.lastIndexOf(10, found) + 1;
      const line = this.text.toString('latin1', start, found);
      if (/^[0-9a-f]+ \S$/.test(line)) return this.moved(BigInt(`0x${line.split(' ')[0]}`));
      from = found + 1;
    }
  }

  /**
   * The kernel's own functions (no modules') of these names, clones of the compiler
   * (`getname_flags.part.0`) included, their `.cold` parts not.
   */
  functionsNamed(names: ReadonlySet<string>): KernelFunction[] {
    const found: KernelFunction[] = [];
    for (const i of this.parts[0]?.order ?? []) {
      if ((this.text[this.at[i]!]! | 0x20) !== 0x74) continue; // neither T nor t
      const { name, module } = this.nameAt(i);
      if (module !== undefined || name.includes('.cold')) continue;
      const dot = name.indexOf('.');
      if (!names.has(dot < 0 ? name : name.slice(0, dot))) continue;
      const next = this.next(i);
      const size = next < 0 ? 0 : this.bytesBehind(i, this.hi[next]!, this.lo[next]!);
      found.push({ name, start: joinHalves(this.hi[i]!, this.lo[i]!), size });
    }
    return found;
  }

  private moved(address: bigint): bigint {
    return address < KERNEL_HALF ? address : BigInt.asUintN(64, address + this.offset);
  }

  private parse(): void {
    const { text } = this;
    const offsetHi = Number(this.offset >> 32n);
    const offsetLo = Number(this.offset & 0xffffffffn);
    const isMoved = this.offset !== 0n;
    for (let at = 0; at < text.length; ) {
      const eol = text.indexOf(10, at);
      const end = eol < 0 ? text.length : eol;
      const added = this.parseLine(at, end);
      if (added && isMoved) this.move(this.count - 1, offsetHi, offsetLo);
      at = end + 1;
    }
  }

  private move(i: number, offsetHi: number, offsetLo: number): void {
    if (this.hi[i]! < 0x80000000) return;
    const lo = this.lo[i]! + offsetLo;
    this.lo[i] = lo;
    this.hi[i] = this.hi[i]! + offsetHi + (lo > 0xffffffff ? 1 : 0);
  }

  /** False where the line is not that of a symbol. */
  private parseLine(from: number, end: number): boolean {
    const { text } = this;
    let hi = 0;
    let lo = 0;
    let at = from;
    for (; at < end; at++) {
      const digit = HEX_DIGIT[text[at]!]!;
      if (digit < 0) break;
      hi = (hi << 4) | (lo >>> 28);
      lo = (lo << 4) | digit;
    }
    if (at - from < 8 || at - from > 16 || text[at] !== 32 || text[at + 2] !== 32) return false;
    // Absolute symbols are no code; `$x`, `$d` and `.L…` are marks inside functions of modules.
    const first = text[at + 3];
    if (text[at + 1] === 65 || first === 36 || (first === 46 && text[at + 4] === 76)) return false;
    const i = this.count++;
    if (i >= this.at.length) {
      this.hi = ensureLength(this.hi, 1 << 16);
      this.lo = ensureLength(this.lo, 1 << 16);
      this.at = ensureLength(this.at, 1 << 16);
      this.hi = ensureLength(this.hi, i + 1);
      this.lo = ensureLength(this.lo, i + 1);
      this.at = ensureLength(this.at, i + 1);
    }
    this.hi[i] = hi;
    this.lo[i] = lo;
    this.at[i] = at + 1;
    return true;
  }

  /** The kernel's own symbols are in order; modules follow in no order. */
  private sort(): void {
    let ordered = 1;
    while (
      ordered < this.count &&
      this.compare(ordered, this.hi[ordered - 1]!, this.lo[ordered - 1]!) >= 0
    ) {
      ordered++;
    }
    ordered = Math.min(ordered, this.count);
    this.parts.push({ order: numbersFrom(0, ordered) });
    const rest = numbersFrom(ordered, this.count);
    rest.sort((a, b) => this.compare(a, this.hi[b]!, this.lo[b]!) || a - b);
    this.parts.push({ order: rest });
  }

  /** The symbol that covers an address, or -1. */
  private find(hi: number, lo: number): number {
    let best = -1;
    for (const { order } of this.parts) {
      const found = this.lastAtOrBelow(order, hi, lo);
      if (found >= 0 && (best < 0 || this.compare(found, this.hi[best]!, this.lo[best]!) > 0)) {
        best = found;
      }
    }
    return best >= 0 && this.bytesBehind(best, hi, lo) <= MAX_OFFSET ? best : -1;
  }

  /** The first symbol at a higher address than that of symbol `i`, or -1. */
  private next(i: number): number {
    let best = -1;
    for (const { order } of this.parts) {
      const found = order[this.countUpTo(order, this.hi[i]!, this.lo[i]!)];
      if (found === undefined) continue;
      if (best < 0 || this.compare(found, this.hi[best]!, this.lo[best]!) < 0) best = found;
    }
    return best;
  }

  private bytesBehind(i: number, hi: number, lo: number): number {
    return (hi - this.hi[i]!) * 4294967296 + (lo - this.lo[i]!);
  }

  /** Of the symbols at the highest address that is not above (hi, lo): the first; or -1. */
  private lastAtOrBelow(order: Uint32Array, hi: number, lo: number): number {
    const count = this.countUpTo(order, hi, lo);
    if (count === 0) return -1;
    let at = count - 1;
    const found = order[at]!;
    const foundHi = this.hi[found]!;
    const foundLo = this.lo[found]!;
    while (at > 0 && this.compare(order[at - 1]!, foundHi, foundLo) === 0) at--;
    return order[at]!;
  }

  /** How many symbols are at (hi, lo) or below. */
  private countUpTo(order: Uint32Array, hi: number, lo: number): number {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.compare(order[mid]!, hi, lo) <= 0) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private compare(i: number, hi: number, lo: number): number {
    return this.hi[i]! - hi || this.lo[i]! - lo;
  }

  private nameAt(i: number): { name: string; module: string | undefined } {
    const start = this.at[i]! + 2;
    const eol = this.text.indexOf(10, start);
    const rest = this.text.toString('utf8', start, eol < 0 ? this.text.length : eol);
    const [, name, module] = /^(\S+)(?:\s+\[([^\]]+)\])?/.exec(rest) ?? [];
    return { name: name ?? rest, module };
  }
}

/** from, from + 1, …, to - 1 */
function numbersFrom(from: number, to: number): Uint32Array {
  const numbers = new Uint32Array(to - from);
  for (let i = 0; i < numbers.length; i++) numbers[i] = from + i;
  return numbers;
}

/** `symbol+0xoff` and the module of `symbol+0xoff/0xsize [module]`, as texts print call sites. */
export function splitSymbol(text: string): { symbol: string; module: string | undefined } {
  const [, symbol, module] = /^(\S+?)(?:\/0x[0-9a-f]+)?(?:\s+\[([^\]]+)\])?$/.exec(text) ?? [];
  return { symbol: symbol ?? text, module };
}

/** The function of `symbol+0xoff`. */
export function functionOf(symbol: string): string {
  const plus = symbol.lastIndexOf('+');
  return plus < 0 ? symbol : symbol.slice(0, plus);
}
