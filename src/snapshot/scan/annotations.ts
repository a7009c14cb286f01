// What kernel code tells kmemleak and no trace shows (Documentation/dev-tools/kmemleak.rst, "kmemleak
// API"), by call site, cache or address: the kernel's own, and those of `--annotations FILE`.
//   not-leak site=__register_sysctl_table        never reported, scanned
//   ignore site=setup_userns_sysctls             never reported, not scanned
//   no-scan site=fill_pool cache=debug_*         reported, not scanned
//   scan-area site=alloc_vmap_area offset=16 size=48    reported, only that part scanned
//   not-leak address=0xffff888003a40000
// A site is a function, `function+0xoff`, either with ` [module]` as `[module]` behind it; globs may be used.

import { UsageError } from '../../base/errors.ts';
import { globToRegExp } from '../../base/glob.ts';

type AnnotationAction = 'not-leak' | 'ignore' | 'no-scan' | 'scan-area';

export interface Annotation {
  readonly action: AnnotationAction;
  readonly site: RegExp | undefined;
  readonly cache: RegExp | undefined;
  readonly address: bigint | undefined;
  /** Of a scan area: from `offset` on, `size` bytes or (undefined) to the end. */
  readonly offset: number;
  readonly size: number | undefined;
  /** True for the table that always holds. */
  readonly isBuiltIn: boolean;
}

const ACTIONS = ['not-leak', 'ignore', 'no-scan', 'scan-area'] as const;

/** The kernel's own, where the allocation names the function that annotates. */
const BUILT_IN = `
# fs/proc/proc_sysctl.c, __register_sysctl_init(): headers that are never unregistered (kernel/ucount.c
# ignores one more, kernel/seccomp.c marks one itself up to 6.5; __register_sysctl_paths up to 6.4).
# Which header is kept by whom, the site does not tell: none of them is reported.
not-leak site=__register_sysctl_table
not-leak site=__register_sysctl_paths
# mm/memcontrol.c (memcg_alloc_slab_cgroups, up to 6.9), mm/slub.c (alloc_slab_obj_exts, from 6.10 on):
# the pointer to the vector has its low bits set.
not-leak site=memcg_alloc_slab_cgroups
not-leak site=alloc_slab_obj_exts
# mm/page_ext.c: the pointer to the table is offset.
not-leak site=alloc_page_ext
# mm/z3fold.c, up to 6.14: the pointer is kept in a page.
not-leak site=alloc_slots
# kernel/bpf/ringbuf.c: the array of pages is known through its pages alone.
not-leak site=bpf_ringbuf_area_alloc
# mm/vmalloc.c: from rb_node on, so that va_start is no reference to the area.
scan-area site=alloc_vmap_area offset=16
# SLAB_NOLEAKTRACE: mm/kmemleak.c, lib/debugobjects.c.
ignore cache=kmemleak_object
ignore cache=kmemleak_scan_area
ignore cache=debug_objects_cache
`;

/** The table that always holds. */
export function builtInAnnotations(): Annotation[] {
  const annotations = parseAnnotations(BUILT_IN, 'built-in annotations');
  return annotations.map((annotation) => ({ ...annotation, isBuiltIn: true }));
}

/** @throws UsageError that names the bad line */
export function parseAnnotations(text: string, path: string): Annotation[] {
  return text.split('\n').flatMap((line, i) => {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    return words[0] === '' ? [] : [parseLine(words, `${path}:${i + 1}`)];
  });
}

function parseLine(words: readonly string[], where: string): Annotation {
  const [word = '', ...rest] = words;
  const fail = (why: string): never => {
    throw new UsageError(`${where}: ${why}`, {
      hint: 'A line is `ACTION site=FUNCTION`, `cache=GLOB` or `address=0x…`; an action is one of not-leak, ignore, no-scan, scan-area.',
    });
  };
  const action = ACTIONS.find((name) => name === word);
  if (action === undefined) return fail(`unknown action '${word}'`);
  const values = new Map<string, string>();
  for (const word of rest) {
    const equals = word.indexOf('=');
    // `site=f+0x1 [module]` has a blank in it.
    if (equals < 0 && /^\[\S+\]$/.test(word) && values.has('site')) {
      values.set('site', `${values.get('site')} ${word}`);
      continue;
    }
    const key = word.slice(0, equals);
    if (!['site', 'cache', 'address', 'offset', 'size'].includes(key))
      fail(`unknown word '${word}'`);
    values.set(key, word.slice(equals + 1));
  }
  const number = (key: string): number | undefined => {
    const value = values.get(key);
    if (value !== undefined && !/^(0x[0-9a-f]{1,8}|\d{1,9})$/i.test(value)) {
      fail(`${key}=${value} is no number`);
    }
    return value === undefined ? undefined : Number(value);
  };
  const address = values.get('address');
  if (address !== undefined && !/^0x[0-9a-f]{1,16}$/i.test(address))
    fail(`${address} is no address`);
  if (!['site', 'cache', 'address'].some((key) => values.has(key)))
    fail('nothing to tell objects by');
  const site = values.get('site');
  const cache = values.get('cache');
  return {
    action,
    site: site === undefined ? undefined : globToRegExp(site),
    cache: cache === undefined ? undefined : globToRegExp(cache),
    address: address === undefined ? undefined : BigInt(address),
    offset: number('offset') ?? 0,
    size: number('size'),
    isBuiltIn: false,
  };
}

/** What one object is asked about. */
export interface AnnotatedObject {
  readonly address: bigint;
  /** `function+0xoff [module]`, and what is in front of the plus sign and of the module. */
  readonly site: string | undefined;
  readonly cache: string | undefined;
}

/** The first annotation that names an object. */
export function annotationOf(
  annotations: readonly Annotation[],
  { address, site, cache }: AnnotatedObject,
): Annotation | undefined {
  return annotations.find(
    (a) =>
      (a.address === undefined || a.address === address) &&
      (a.cache === undefined || (cache !== undefined && a.cache.test(cache))) &&
      (a.site === undefined ||
        (site !== undefined && siteForms(site).some((s) => a.site?.test(s)))),
  );
}

/** `f.isra.0+0x1 [m]` also as `f.isra.0 [m]`, `f.isra.0+0x1`, `f.isra.0` and `f`. */
function siteForms(site: string): string[] {
  const [, name = site, offset = '', module = ''] =
    /^([^\s+]+)(\+0x[0-9a-f]+)?( \[.+\])?$/.exec(site) ?? [];
  const function_ = name.replace(/\.(constprop|isra|part|cold)\b.*/, '');
  return [...new Set([site, name + module, name + offset, name, function_])];
}
