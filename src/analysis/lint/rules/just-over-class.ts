import { counted, formatBytes } from '../../../base/bytes-format.ts';
import { adviseSizes } from '../../size-advice.ts';
import type { LintRule } from '../finding.ts';

/** Less than a page is not worth a warning. */
const LEAST_BYTES = 4096;
/** A single object of that size may be a buffer of any length. */
const LEAST_OBJECTS = 2;

export const justOverClass: LintRule = {
  id: 'just-over-class',
  severity: 'warning',
  title: 'a request just over a size class, which wastes most of what the class adds',
  help:
    'kmalloc rounds up to its size classes. A structure that is a few bytes too large for a class ' +
    'takes the next one. `frag --by site` says what shrinking it would save, in slabs as well.',
  find: ({ run }) =>
    adviseSizes(run).flatMap((a) => {
      const saved = a.shrinkSavesAtPeak ?? 0;
      if (a.shrinkTo === null || saved < LEAST_BYTES || a.atPeak < LEAST_OBJECTS) return [];
      return [
        {
          count: a.atPeak,
          site: a.site,
          symbol: a.symbol,
          module: a.module,
          cache: null,
          message:
            `asks for ${a.bytesReq} bytes and takes ${a.classSize}: ${a.bytesReq - a.shrinkTo} less ` +
            `would save ${formatBytes(saved)} at the peak (${counted(a.atPeak, 'object')})`,
          example: null,
        },
      ];
    }),
};
