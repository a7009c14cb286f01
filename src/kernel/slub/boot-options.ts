// What a kernel command line says to SLUB: cmdline.txt becomes options.
// Truth: mm/slub.c setup_slub_min_order(), setup_slub_max_order(), setup_slub_min_objects(),
// setup_slub_debug(); mm/slab_common.c setup_slab_nomerge() (6.1.192, 6.12.117); lib/cmdline.c
// next_arg() for the quotes, get_option() for numbers; mm/memcontrol.c cgroup_memory().

import { MAX_OBJS_PER_PAGE } from './calculate-order.ts';
import type { SlubRules } from './releases.ts';
import { defaultSlubDebug, readSlubDebug, type SlubDebug } from './slub-debug-option.ts';

export interface SlubCmdline {
  readonly debug: SlubDebug;
  readonly minOrder: number;
  readonly maxOrder: number;
  /** 0: by the number of CPUs. */
  readonly minObjects: number;
  readonly noMerge: boolean;
  /** False with cgroup.memory=nokmem: kmalloc-cg-N is not made. */
  readonly memcgKmem: boolean;
  /** swiotlb=noforce: no bounce buffers, so arm64 has no kmalloc classes below its cache line. */
  readonly swiotlb: boolean;
}

/** The largest order that a page allocator of 4 KiB pages has. */
export const MAX_PAGE_ORDER = 10;
/** slub_max_order unless it is set (PAGE_ALLOC_COSTLY_ORDER). */
const DEFAULT_MAX_ORDER = 3;

/** What the build has already decided. */
export interface CmdlineDefaults {
  readonly debugOn?: boolean;
  readonly mergeDefault?: boolean;
  readonly maxOrder?: number;
  readonly maxPageOrder?: number;
}

/** Reads a command line as the kernel reads it, options from left to right. */
export function parseSlubCmdline(
  cmdline: string,
  rules: Pick<SlubRules, 'slabOptions' | 'clampsOrders'>,
  defaults: CmdlineDefaults = {},
): SlubCmdline {
  const { maxPageOrder = MAX_PAGE_ORDER, mergeDefault = true } = defaults;
  let debug = defaultSlubDebug(defaults.debugOn);
  let minOrder = 0;
  let maxOrder = defaults.maxOrder ?? DEFAULT_MAX_ORDER;
  let minObjects = 0;
  let noMerge = !mergeDefault;
  let memcgKmem = true;
  let swiotlb = true;
  for (const { name, value } of splitCmdline(cmdline)) {
    switch (slubOptionName(name, rules.slabOptions)) {
      case 'slub_debug':
        debug = readSlubDebug(value ?? '', debug);
        break;
      case 'slub_min_order':
        minOrder = Math.min(leadingNumber(value), maxPageOrder);
        if (rules.clampsOrders) maxOrder = Math.max(maxOrder, minOrder);
        break;
      case 'slub_max_order':
        maxOrder = Math.min(leadingNumber(value), maxPageOrder);
        if (rules.clampsOrders) minOrder = Math.min(minOrder, maxOrder);
        break;
      case 'slub_min_objects':
        minObjects = Math.min(leadingNumber(value), MAX_OBJS_PER_PAGE);
        break;
      case 'slub_nomerge':
        noMerge = true;
        break;
      case 'slub_merge':
        noMerge = false;
        break;
      case 'cgroup.memory':
        if (value?.split(',').includes('nokmem')) memcgKmem = false;
        break;
      case 'swiotlb':
        if (value?.split(',').includes('noforce')) swiotlb = false;
        break;
      default:
    }
  }
  return { debug, minOrder, maxOrder, minObjects, noMerge, memcgKmem, swiotlb };
}

/** slab_* options under their slub_* names; slab_nomerge and slab_merge have always had both. */
function slubOptionName(name: string, slabOptions: boolean): string {
  const plain = name.replaceAll('-', '_');
  if (!plain.startsWith('slab_')) return plain;
  return slabOptions || plain === 'slab_nomerge' || plain === 'slab_merge'
    ? plain.replace('slab_', 'slub_')
    : plain;
}

/** simple_strtoull() with base 0; 0 where the text begins with no number. */
function leadingNumber(value: string | undefined): number {
  const [, hex, octal, decimal] = /^(?:0[xX]([\da-fA-F]+)|0([0-7]+)|(\d+))/.exec(value ?? '') ?? [];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  return octal === undefined ? Number(decimal ?? 0) : Number.parseInt(octal, 8);
}

interface Argument {
  readonly name: string;
  readonly value: string | undefined;
}

// console=ttyS0 slub_debug=FZ,kmalloc-64 dyndbg="file a.c +p" -- init's
/** Name and value of each argument for the kernel; what follows `--` is init's. */
function* splitCmdline(cmdline: string): Generator<Argument> {
  for (const [argument] of cmdline.matchAll(/(?:"[^"]*(?:"|$)|[^\s"])+/g)) {
    if (argument === '--') return;
    const bare = unquote(argument);
    const equals = bare.indexOf('=');
    if (equals < 0) yield { name: bare, value: undefined };
    else yield { name: bare.slice(0, equals), value: unquote(bare.slice(equals + 1)) };
  }
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, text.endsWith('"') ? -1 : undefined) : text;
}
