// What SLUB's own checks would report, from the events alone: a rule for each kind of report.

import type { FindingSeverity, LintRule } from '../finding.ts';

interface Misuse {
  readonly kind: string;
  readonly severity: FindingSeverity;
  readonly title: string;
  readonly help: string;
}

const MISUSES: readonly Misuse[] = [
  {
    kind: 'double-free',
    severity: 'error',
    title: 'an object freed twice',
    help: 'The second free puts the object on the freelist again, so two owners get it later. `history` shows who had it.',
  },
  {
    kind: 'invalid-free',
    severity: 'error',
    title: 'a free of an address that is no object',
    help: 'The pointer points into an object or between two. Free what the allocator returned.',
  },
  {
    kind: 'wrong-cache',
    severity: 'error',
    title: 'a free into another cache than the object is of',
    help: 'kmem_cache_free() was called with the wrong cache. Without checks the object ends up on the wrong freelist or its accounting goes wrong.',
  },
  {
    kind: 'non-slab-free',
    severity: 'error',
    title: 'a slab free of memory that is no slab',
    help: 'kfree() or kmem_cache_free() of a vmalloc address or of the kernel image: kvfree(), vfree() or nothing at all is right.',
  },
  {
    kind: 'remaining-objects',
    severity: 'error',
    title: 'a cache destroyed while it has objects',
    help: 'The objects leak, and their owners use memory of a cache that is gone.',
  },
];

export const misusedMemory: readonly LintRule[] = MISUSES.map(
  ({ kind, severity, title, help }): LintRule => ({
    id: kind,
    severity,
    title,
    help,
    find({ replay }) {
      const reports = (replay?.reports ?? []).filter((report) => report.kind === kind);
      return reports.map(({ title: what, cache, address, text, event }) => {
        const { site = null, symbol = null, module = null, ...when } = event ?? {};
        return {
          count: 1,
          site,
          symbol,
          module,
          cache,
          message: what.includes(address) ? what : `${what} at ${address}`,
          example: { ...when, address, report: text },
        };
      });
    },
  }),
);
