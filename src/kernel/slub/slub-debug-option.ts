// `slub_debug=` (since 6.9 also `slab_debug=`): the option's text becomes debug flags per cache.
// Truth: mm/slub.c parse_slub_debug_flags(), setup_slub_debug(), kmem_cache_flags() (6.1.192,
// 6.12.117).
//
//   blocks  = block { ';' block }
//   block   = [ letters ] [ ',' name { ',' name } ]     a name may end in '*'

import { UsageError } from '../../base/errors.ts';
import { DEBUG_DEFAULT_FLAGS, SLAB } from './slab-flags.ts';

/** A part of the option that names caches. */
interface SlubDebugBlock {
  readonly flags: number;
  /** As written: a name, or what is before the first '*' counts. */
  readonly names: readonly string[];
}

export interface SlubDebug {
  /** The option's value, as it was. */
  readonly text: string;
  /** For caches that no block names. */
  readonly global: number;
  readonly blocks: readonly SlubDebugBlock[];
  /** O: no metadata for a cache whose smallest order they would raise. */
  readonly noHigherOrder: boolean;
  /** Letters that no kernel knows; it skips them. */
  readonly unknown: readonly string[];
}

/** The letters and what they switch on, in the order of the kernel's documentation. */
const SLUB_DEBUG_LETTERS: readonly { readonly letter: string; readonly what: string }[] = [
  { letter: 'F', what: 'sanity checks' },
  { letter: 'Z', what: 'red zones' },
  { letter: 'P', what: 'poison' },
  { letter: 'U', what: 'tracks of allocation and free' },
  { letter: 'T', what: 'trace' },
  { letter: 'A', what: 'failslab' },
  { letter: 'O', what: 'no metadata where they raise the smallest order' },
  { letter: '-', what: 'nothing' },
];

const FLAG_OF_LETTER: ReadonlyMap<string, number> = new Map([
  ['F', SLAB.CONSISTENCY_CHECKS],
  ['Z', SLAB.RED_ZONE],
  ['P', SLAB.POISON],
  ['U', SLAB.STORE_USER],
  ['T', SLAB.TRACE],
  ['A', SLAB.FAILSLAB],
]);

/** A kernel that was given no option; built with SLUB_DEBUG_ON it has FZPU all the same. */
export function defaultSlubDebug(debugOn = false): SlubDebug {
  const global = debugOn ? DEBUG_DEFAULT_FLAGS : 0;
  return { text: '', global, blocks: [], noHigherOrder: false, unknown: [] };
}

/**
 * Reads the option as a kernel does. Nothing at all means FZPU for every cache.
 * @param before what held until then: the default, or an earlier option of the same command line
 */
export function readSlubDebug(text: string, before: SlubDebug = defaultSlubDebug()): SlubDebug {
  if (text === '') return { ...before, text, global: DEBUG_DEFAULT_FLAGS };
  let global: number | undefined;
  let { noHigherOrder } = before;
  const blocks: SlubDebugBlock[] = [];
  const unknown: string[] = [];
  for (const { letters, names } of splitBlocks(text)) {
    const isListOnly = letters === '' && names !== undefined;
    const flags = isListOnly ? DEBUG_DEFAULT_FLAGS : readLetters(letters, unknown);
    noHigherOrder ||= /o/i.test(letters);
    if (names === undefined) global = flags;
    else blocks.push({ flags, names });
  }
  return {
    text,
    global: global ?? before.global,
    blocks: blocks.length > 0 ? blocks : before.blocks,
    noHigherOrder,
    unknown: [...before.unknown, ...unknown],
  };
}

/** Reads a user's `--slub-debug`: a letter that means nothing is an error, where a kernel skips it. */
export function parseSlubDebug(text: string): SlubDebug {
  const debug = readSlubDebug(text);
  if (debug.unknown.length > 0) {
    const letters = SLUB_DEBUG_LETTERS.map(({ letter, what }) => `${letter} ${what}`).join(', ');
    throw new UsageError(
      `--slub-debug ${text}: no such letter: ${debug.unknown.map((c) => `'${c}'`).join(', ')}`,
      {
        hint: `Letters: ${letters}. Names of caches follow a comma, further blocks a semicolon: FZ,kmalloc-*;P,dentry`,
      },
    );
  }
  return debug;
}

interface BlockText {
  readonly letters: string;
  readonly names: readonly string[] | undefined;
}

/**
 * The blocks of an option; empty ones are skipped. The kernel looks for the end of a block's last
 * name at the next comma or at the character before the next block, so surplus semicolons become part
 * of that name (`P,dentry;` names no cache), and before a block that begins with a comma it reads on:
 * all of the rest is one more name.
 */
function splitBlocks(text: string): BlockText[] {
  const blocks: BlockText[] = [];
  for (const match of text.matchAll(/([^;]+)(;*)/g)) {
    const [whole, block = '', semicolons = ''] = match;
    const rest = text.slice(match.index + whole.length);
    const comma = block.indexOf(',');
    if (comma < 0) {
      blocks.push({ letters: block, names: undefined });
      continue;
    }
    const readsOn = rest.startsWith(',');
    const surplus = rest === '' || readsOn ? semicolons : semicolons.slice(1);
    const names = (block.slice(comma + 1) + surplus).split(',');
    if (readsOn) names.push(rest.slice(1));
    blocks.push({ letters: block.slice(0, comma), names });
  }
  return blocks.length === 0 ? [{ letters: '', names: undefined }] : blocks;
}

function readLetters(letters: string, unknown: string[]): number {
  let flags = 0;
  for (const letter of letters) {
    const flag = FLAG_OF_LETTER.get(letter.toUpperCase());
    if (letter === '-') flags = 0;
    else if (flag !== undefined) flags |= flag;
    else if (letter !== 'O' && letter !== 'o') unknown.push(letter);
  }
  return flags;
}

/**
 * The flags of a cache, those of the option added to its creator's (kmem_cache_flags()). The first
 * block that names it counts and nothing else does; the name is the one it was created under.
 */
export function cacheDebugFlags(debug: SlubDebug, flags: number, name: string): number {
  if ((flags & SLAB.NO_USER_FLAGS) !== 0) return flags;
  for (const block of debug.blocks) {
    if (block.names.some((item) => matchesName(item, name))) return flags | block.flags;
  }
  // The caches of debugging tools keep no tracks unless they are named.
  const withheld = (flags & SLAB.NOLEAKTRACE) !== 0 ? SLAB.STORE_USER : 0;
  return flags | (debug.global & ~withheld);
}

function matchesName(item: string, name: string): boolean {
  const star = item.indexOf('*');
  return star < 0 ? item === name : name.startsWith(item.slice(0, star));
}

/** The names in the option that match none of these caches. */
export function unmatchedNames(debug: SlubDebug, caches: Iterable<string>): string[] {
  const known = [...caches];
  const items = debug.blocks.flatMap((block) => block.names).filter((item) => item !== '');
  return items.filter((item) => !known.some((name) => matchesName(item, name)));
}
