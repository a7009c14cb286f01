// Code addresses as text → call sites. All formats must group alike, so a symbol loses the size of
// its function: `p9_fid_create+0x22/0x110 [9pnet]` and `p9_fid_create+0x22 [9pnet]` are one.

import type { Dictionary } from '../../kernel/events/dictionary.ts';

// ffffffff8121a2b7, c1050f11, 0xffffffffc02afcf2
const ADDRESS = /^(?:0x([0-9a-f]{1,16})|([0-9a-f]{16}|[0-9a-f]{8}))$/i;
const NULL_WORDS = /^(?:0|\(null\)|\(nil\))$/;
// symbol+0xoff/0xsize [module]; trace-cmd and perf print neither size nor module
const SYMBOL = /^(\S+?)(\+0x[0-9a-f]+)?(?:\/0x[0-9a-f]+)?(?:\s+\[([^\s\]]+)[^\]]*\])?(?:\s|$)/i;

/**
 * Where a function returns to while a return probe sits on its caller: no site of its own
 * (arch_rethook_trampoline from 6.1 on, kretprobe_trampoline before).
 */
export const TRAMPOLINES: readonly string[] = [
  'arch_rethook_trampoline',
  '__kretprobe_trampoline',
  'kretprobe_trampoline',
];
const TRAMPOLINE = new RegExp(`^(?:${TRAMPOLINES.join('|')})(?:\\+0x0)?(?:/|$)`);

/** The site that a text names; words behind it are passed over. 0 where it names none. */
export function internSite(text: string, dictionary: Dictionary): number {
  const word = /^\S*/.exec(text)?.[0] ?? '';
  if (word === '' || NULL_WORDS.test(word) || TRAMPOLINE.test(word)) return 0;
  const address = ADDRESS.exec(word);
  if (address !== null) return internAddress(address[1] ?? address[2] ?? '', dictionary);
  return dictionary.sites.internText(dictionary.strings.intern(normalSymbol(text)));
}

/** The site at an address of up to 16 hexadecimal digits. */
function internAddress(digits: string, dictionary: Dictionary): number {
  const padded = digits.padStart(16, '0');
  const hi = Number.parseInt(padded.slice(0, 8), 16);
  const lo = Number.parseInt(padded.slice(8), 16);
  return hi === 0 && lo === 0 ? 0 : dictionary.sites.internAddress(lo, hi);
}

/** The site at an address that has a name beside it; '' for none. */
export function internNamed(digits: string, name: string, dictionary: Dictionary): number {
  const { sites, strings } = dictionary;
  const at = internAddress(digits, dictionary);
  const symbol = normalSymbol(name);
  if (at === 0 || symbol === '') return at;
  return sites.intern(sites.lo(at), sites.hi(at), strings.intern(symbol));
}

/** `symbol+0xoff [module]`. */
export function normalSymbol(text: string): string {
  const match = SYMBOL.exec(text);
  if (match === null) return text.trim();
  const [, symbol = '', offset = '', module] = match;
  return symbol + offset + (module === undefined ? '' : ` [${module}]`);
}
