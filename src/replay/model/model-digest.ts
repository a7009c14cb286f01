// One hash for a whole state of the model: equal states, equal digests. Caches by name, slabs by
// address, freelists and lists in their order.

import { createHash } from 'node:crypto';
import { compareText } from '../../base/format-address.ts';
import type { Slab } from '../../kernel/indices.ts';
import type { ModelCache, SlubModel } from '../slub-model.ts';
import type { SlabTable } from './slab-table.ts';

/** @returns 32 hex digits */
export function modelDigest({ table, caches }: SlubModel): string {
  const hash = createHash('sha256');
  const rows = table.rowsByCache(caches.length);
  const byName = [...caches].sort((a, b) => compareText(a.plan.name, b.plan.name));
  for (const cache of byName) {
    hash.update(`cache ${cache.plan.name}\n`);
    for (const row of rows[cache.model.id] ?? []) hash.update(slabLine(table, row));
    hash.update(listLines(table, cache));
  }
  return hash.digest('hex').slice(0, 32);
}

function slabLine(table: SlabTable, row: Slab): string {
  const free = table.listed(row, table.freelist[row]);
  const allocated: number[] = [];
  for (let i = 0; i < table.objects[row]; i++) {
    if (!table.isFree(row, i)) allocated.push(i);
  }
  return `${addressOf(table, row)} ${table.inuse[row]} free ${free} allocated ${allocated}\n`;
}

function listLines(table: SlabTable, { model }: ModelCache): string {
  const { slabs, objects } = model.lists();
  const lines: string[] = [];
  for (const { kind, owner, slabs: rows } of slabs) {
    lines.push(`${kind} ${owner} ${rows.map((row) => addressOf(table, row))}`);
  }
  for (const { kind, owner, objects: free } of objects) {
    lines.push(
      `${kind} ${owner} ${free.map(([row, object]) => `${addressOf(table, row)}+${object}`)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function addressOf(table: SlabTable, row: Slab): string {
  return table.base(row).toString(16);
}
