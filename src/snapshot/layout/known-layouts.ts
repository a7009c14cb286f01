// Structure layouts of kernels that were recorded, for snapshots that carry none: as pahole printed them
// (struct-offsets.txt of the recordings; a test holds this table against those files). One line per
// structure: its size, then field, offset and size. A release that is not here has no layout here:
// configuration changes offsets, so a neighbour's would be a guess.

import type { FieldPlace, StructLayout } from './struct-layout.ts';

export const KNOWN_LAYOUTS: Readonly<Record<string, string>> = {
  '5.10.0-46-amd64': `
kmem_cache 8408: cpu_slab 0 8, flags 8 4, min_partial 16 8, size 24 4, object_size 28 4,
  offset 40 4, cpu_partial 44 4, oo 48 4, min 56 4, refcount 64 4, ctor 72 8, inuse 80 4,
  align 84 4, red_left_pad 88 4, name 96 8, list 104 16, random 184 8, node 216 8192
kmem_cache_cpu 32: freelist 0 8, page 16 8, partial 24 8
kmem_cache_node 64: nr_partial 8 8, partial 16 16, nr_slabs 32 8, total_objects 40 8, full 48 16
page 64: flags 0 8, page_type 48 4, _refcount 52 4, slab_list 8 16, next 8 8, slab_cache 24 8,
  freelist 32 8, counters 40 8`,
  '6.1.0-56-amd64': `
kmem_cache 8408: cpu_slab 0 8, flags 8 4, min_partial 16 8, size 24 4, object_size 28 4,
  offset 40 4, cpu_partial 44 4, cpu_partial_slabs 48 4, oo 52 4, min 56 4, refcount 64 4,
  ctor 72 8, inuse 80 4, align 84 4, red_left_pad 88 4, name 96 8, list 104 16, random 184 8,
  node 216 8192
kmem_cache_cpu 32: freelist 0 8, slab 16 8, partial 24 8
kmem_cache_node 64: nr_partial 8 8, partial 16 16, nr_slabs 32 8, total_objects 40 8, full 48 16
slab 64: slab_cache 24 8, freelist 32 8, counters 40 8, slab_list 8 16, next 8 8`,
  '6.12.117+deb12-amd64': `
kmem_cache 8408: cpu_slab 0 8, flags 8 4, min_partial 16 8, size 24 4, object_size 28 4,
  offset 40 4, cpu_partial 44 4, cpu_partial_slabs 48 4, oo 52 4, min 56 4, refcount 64 4,
  ctor 72 8, inuse 80 4, align 84 4, red_left_pad 88 4, name 96 8, list 104 16, random 184 8,
  node 216 8192
kmem_cache_cpu 32: freelist 0 8, slab 16 8, partial 24 8
kmem_cache_node 64: nr_partial 8 8, partial 16 16, nr_slabs 32 8, total_objects 40 8, full 48 16
slab 64: slab_cache 8 8, freelist 32 8, counters 40 8, slab_list 16 16, next 16 8`,
  '6.18.15+deb13-amd64': `
kmem_cache 8416: cpu_slab 0 8, cpu_sheaves 8 8, flags 16 4, min_partial 24 8, size 32 4,
  object_size 36 4, offset 48 4, cpu_partial 52 4, cpu_partial_slabs 56 4, sheaf_capacity 60 4,
  oo 64 4, min 68 4, refcount 76 4, ctor 80 8, inuse 88 4, align 92 4, red_left_pad 96 4,
  name 104 8, list 112 16, random 192 8, node 224 8192
kmem_cache_cpu 48: freelist 0 8, slab 16 8, partial 24 8
kmem_cache_node 72: nr_partial 8 8, partial 16 16, nr_slabs 32 8, total_objects 40 8, full 48 16,
  barn 64 8
slab 64: slab_cache 8 8, freelist 32 8, counters 40 8, slab_list 16 16, next 16 8
page 64: flags 0 8, page_type 48 4, _refcount 52 4
slub_percpu_sheaves 32: main 8 8, spare 16 8, rcu_free 24 8
slab_sheaf 32: barn_list 0 16, size 24 4, objects 32 0
node_barn 48: sheaves_full 8 16`,
  '7.2.13+deb14-amd64': `
kmem_cache 16592: cpu_sheaves 0 8, flags 8 4, min_partial 16 8, size 24 4, object_size 28 4,
  offset 40 4, sheaf_capacity 44 4, oo 48 4, min 52 4, refcount 60 4, ctor 64 8, inuse 72 4,
  align 76 4, red_left_pad 80 4, name 88 8, list 96 16, random 176 8, per_node 208 16384
kmem_cache_node 64: nr_partial 8 8, partial 16 16, nr_slabs 32 8, total_objects 40 8, full 48 16
kmem_cache_per_node_ptrs 16: barn 0 8, node 8 8
slab 64: slab_cache 8 8, freelist 32 8, counters 40 8, slab_list 16 16
page 64: flags 0 8, page_type 48 4, _refcount 52 4
slub_percpu_sheaves 32: main 8 8, spare 16 8, rcu_free 24 8
slab_sheaf 32: barn_list 0 16, size 24 4, objects 32 0
node_barn 48: sheaves_full 8 16`,
};

/** The layout of exactly this release, or undefined. */
export function knownLayout(release: string | undefined): StructLayout | undefined {
  const text = KNOWN_LAYOUTS[release ?? ''];
  if (text === undefined) return undefined;
  const sizes = new Map<string, number>();
  const fields = new Map<string, FieldPlace>();
  for (const struct of text.trim().split(/\n(?=\w)/)) {
    const [, name = '', size, rest = ''] = /^(\w+) (\d+):(.*)$/s.exec(struct) ?? [];
    sizes.set(name, Number(size));
    for (const entry of rest.split(',')) {
      const [field, offset, bytes] = entry.trim().split(' ');
      fields.set(`${name}.${field}`, { offset: Number(offset), size: Number(bytes) });
    }
  }
  return {
    source: `the built-in table (${release})`,
    field: (struct, field) => fields.get(`${struct}.${field}`),
    sizeOf: (struct) => sizes.get(struct),
  };
}
