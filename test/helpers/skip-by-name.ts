import { test } from 'vitest';

/** One skipped test that carries the title of what is left out, and why. */
export function skipByName(title: string, reason: string): void {
  test.skip(`${title} (skipped: ${reason})`, () => undefined);
}
