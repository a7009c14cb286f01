// The lists of `slabinfo -a`: each merged cache with its names, or (-i) each name with its cache.
// Truth: tools/mm/slabinfo.c (6.12) alias(), sort_aliases(). It sorts by the cache alone, so the order
// of a cache's names follows from the order read and from the way of sorting.

import type { SlabAlias } from '../../kernel/caches/slab-sysfs.ts';
import { exchangeSort } from './exchange-sort.ts';
import type { SlabinfoOptions } from './options.ts';
import type { SlabinfoSection } from './sections.ts';
import { compareText, foldCase } from './tool-caches.ts';

/** Caches with one name only are left out unless -1 asks for them. */
export function buildAliasSection(
  aliases: readonly SlabAlias[],
  { inverted, singleRef }: Pick<SlabinfoOptions, 'inverted' | 'singleRef'>,
): SlabinfoSection {
  const refs = new Map<string, number>();
  for (const { target } of aliases) refs.set(target, (refs.get(target) ?? 0) + 1);
  const keyed = aliases.map((alias) => ({
    alias,
    key: foldCase(inverted ? alias.name : alias.target),
  }));
  exchangeSort(keyed, (a, b) => compareText(a.key, b.key));
  const shown = keyed
    .map(({ alias }) => alias)
    .filter(({ target }) => singleRef || refs.get(target) !== 1);
  if (inverted) return { kind: 'alias-lines', aliases: shown };

  const groups: { target: string; names: string[] }[] = [];
  for (const { name, target } of shown) {
    const last = groups.at(-1);
    if (last?.target === target) last.names.push(name);
    else groups.push({ target, names: [name] });
  }
  return { kind: 'aliases', groups };
}
