// What the command line says to `replay`: options become a change of the machine.

import { UsageError } from '../../base/errors.ts';
import { SLUB_GENERATIONS, type SlubGeneration } from '../../kernel/slub/releases.ts';
import { parseSlubDebug } from '../../kernel/slub/slub-debug-option.ts';
import type { MachineChange } from '../../replay/machine/changed-machine.ts';

export interface ReplayOptions {
  readonly change: MachineChange;
  /** Call sites that are to have caches of their own. */
  readonly dedicated: readonly string[];
  /** The options as they were written, for headings. */
  readonly texts: ReplayTexts;
  /** The moment that is asked for, in seconds or 'end'; with caches named, their slabs are mapped. */
  readonly at?: string | undefined;
}

/** The options' values as the user wrote them; undefined where not given. */
export interface ReplayTexts {
  readonly slubDebug?: string | undefined;
  readonly kernel?: string | undefined;
  readonly cpus?: string | undefined;
  readonly slubMinOrder?: string | undefined;
  readonly slubMaxOrder?: string | undefined;
  readonly slubMinObjects?: string | undefined;
  readonly slabNomerge?: boolean | undefined;
  readonly classes?: string | undefined;
  readonly dedicated?: readonly string[] | undefined;
}

const MAX_ORDER = 10;
/** CONFIG_NR_CPUS of x86-64 goes up to this. */
const MAX_CPUS = 8192;
const MAX_OBJECTS = 32767;
/** The largest block that the page allocator has: 2^10 pages. */
const MAX_CLASS = 4096 * 2 ** MAX_ORDER;

/** @throws UsageError that names the option and what it takes */
export function parseReplayOptions(texts: ReplayTexts): ReplayOptions {
  if (texts.slabNomerge === true) throw notTold();
  return {
    change: {
      debug: texts.slubDebug === undefined ? undefined : parseSlubDebug(texts.slubDebug),
      kernel: parseKernel(texts.kernel),
      cpus: parseCount('--cpus', texts.cpus, 1, MAX_CPUS),
      slubMinOrder: parseCount('--slub-min-order', texts.slubMinOrder, 0, MAX_ORDER),
      slubMaxOrder: parseCount('--slub-max-order', texts.slubMaxOrder, 0, MAX_ORDER),
      slubMinObjects: parseCount('--slub-min-objects', texts.slubMinObjects, 1, MAX_OBJECTS),
      classes: parseClasses(texts.classes),
    },
    dedicated: texts.dedicated ?? [],
    texts,
  };
}

/**
 * The options as one would type them.
 * @param change what of them is another machine: the rest only describes the recorded one
 */
export function describeChanges(
  { texts }: ReplayOptions,
  change: MachineChange | undefined,
): string[] {
  const changes: string[] = [];
  const add = (option: string, value: string | undefined, isChange: boolean): void => {
    if (value !== undefined && isChange) changes.push(`${option} ${value}`);
  };
  add('--slub-debug', texts.slubDebug, change?.debug !== undefined);
  add('--kernel', texts.kernel, change?.kernel !== undefined);
  add('--cpus', texts.cpus, change?.cpus !== undefined);
  add('--slub-min-order', texts.slubMinOrder, true);
  add('--slub-max-order', texts.slubMaxOrder, true);
  add('--slub-min-objects', texts.slubMinObjects, true);
  add('--classes', texts.classes, true);
  for (const site of texts.dedicated ?? []) add('--dedicated', site, true);
  return changes;
}

/**
 * Aliases share one kmem_cache: allocations name none, frees name the first creator's, and which call
 * sites belong to which of the names no file says (mm/slab_common.c, __kmem_cache_alias()).
 */
function notTold(): UsageError {
  return new UsageError('--slab-nomerge: no event tells the objects of merged caches apart', {
    hint:
      'Boot with slab_nomerge, record the workload again, and compare: ' +
      'slabreplay compare MERGED --to UNMERGED',
  });
}

function parseKernel(text: string | undefined): SlubGeneration | undefined {
  const kernel = SLUB_GENERATIONS.find((generation) => generation === text);
  if (text !== undefined && kernel === undefined) {
    throw new UsageError(`--kernel ${text}: expected one of ${SLUB_GENERATIONS.join(', ')}`);
  }
  return kernel;
}

function parseCount(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`${option} ${text}: expected a whole number from ${least} to ${most}`);
}

function parseClasses(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const sizes = text.split(',').map((part) => parseClass(part.trim(), text));
  return [...new Set(sizes)].sort((a, b) => a - b);
}

/** `96`, `2k`: a multiple of 8 bytes. */
function parseClass(part: string, text: string): number {
  const [, digits, k] = /^(\d+)(k?)$/i.exec(part) ?? [];
  const size = Number(digits) * (k === '' ? 1 : 1024);
  if (digits !== undefined && size >= 8 && size <= MAX_CLASS && size % 8 === 0) return size;
  throw new UsageError(`--classes ${text}: '${part}' is no object size`, {
    hint: `Sizes are multiples of 8 bytes up to ${MAX_CLASS}, as in 8,16,32,64,96,128,192,256,512,1k,2k,4k,8k.`,
  });
}
