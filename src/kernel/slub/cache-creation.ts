// A `cache_create` event as the request that it stands for: name, object size, and attributes as text.
//
//   align=64,flags=SLAB_HWCACHE_ALIGN|SLAB_ACCOUNT,ctor=inode_init_once

import type { CacheSpec } from './cache-geometry.ts';
import { SLAB } from './slab-flags.ts';

/** Attributes and flags that do not matter to the layout, or are not known, are passed over. */
export function specOfCreation(name: string, objectSize: number, attributes: string): CacheSpec {
  const values = new Map(
    attributes.split(',').map((part): [string, string] => {
      const [key = '', value = ''] = part.split('=');
      return [key.trim(), value.trim()];
    }),
  );
  const flags = (values.get('flags') ?? '').split('|').reduce((sum, flag) => sum | bitOf(flag), 0);
  return {
    name,
    objectSize,
    align: sizeOf(values.get('align')),
    flags,
    hasCtor: !['', '0', undefined].includes(values.get('ctor')),
    usersize: sizeOf(values.get('usersize')),
  };
}

function bitOf(flag: string): number {
  const name = flag.trim().replace(/^SLAB_/, '');
  const known: Readonly<Record<string, number>> = SLAB;
  return known[name] ?? 0;
}

/** At most a page: no cache is aligned to more. */
function sizeOf(text = ''): number {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return size <= 4096 ? size : 0;
}
