import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds, however long: what never comes is ended by the test's own limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}
