// `--threshold 1%,16KiB`: how large a change must be to matter, relative and absolute. Both must be
// exceeded: a cache that grows from 10 to 20 objects, or a total that moves by a page, is no news.

import { UsageError } from '../../../base/errors.ts';
import { formatSize, parseSize } from '../../../base/sizes.ts';

export interface Threshold {
  /** Per cent of the larger side, so that swapping the sides changes nothing but the sign. */
  readonly percent: number;
  readonly bytes: number;
}

export const DEFAULT_THRESHOLD: Threshold = { percent: 1, bytes: 16 * 1024 };

/**
 * Reads `1%,16KiB`, `5%` or `64KiB`; what is not named keeps its default.
 * @throws UsageError with the position of what is wrong
 */
export function parseThreshold(text: string, from: string = '--threshold'): Threshold {
  let { percent, bytes } = DEFAULT_THRESHOLD;
  const seen = new Set<string>();
  let at = 0;
  for (const part of text.split(',')) {
    const trimmed = part.trim();
    const relative = /^(\d+(?:\.\d+)?)\s*%$/.exec(trimmed)?.[1];
    const size = parseSize(trimmed);
    const kind = relative === undefined ? 'size' : 'percentage';
    if ((relative === undefined && size === undefined) || seen.has(kind)) {
      const what = seen.has(kind)
        ? `a second ${kind}`
        : `'${trimmed}' is neither a percentage nor a size`;
      throw new UsageError(`${from} '${text}': ${what}, at character ${at + 1}`, {
        hint: 'Such as 1%,16KiB.',
      });
    }
    seen.add(kind);
    if (relative !== undefined) percent = Number(relative);
    else if (size !== undefined) bytes = size;
    at += part.length + 1;
  }
  return { percent, bytes };
}

/** `1 % and 16 KiB` */
export function thresholdText({ percent, bytes }: Threshold): string {
  return `${percent} % and ${formatSize(bytes)}`;
}
