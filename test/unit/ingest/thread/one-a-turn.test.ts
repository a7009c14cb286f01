import { expect, test } from 'vitest';
import { oneATurn } from '../../../../src/ingest/thread/one-a-turn.ts';

test('messages that come at once are taken one in each turn, in their order', async () => {
  const order: string[] = [];
  const take = oneATurn((message: string) => order.push(message));
  const between = (): void => {
    order.push('-');
    if (order.length < 7) setImmediate(between);
  };
  for (const message of ['a', 'b', 'c']) take(message);
  setImmediate(between);
  await expect.poll(() => order.join(' ')).toBe('a - b - c - -');
  take('d');
  await expect.poll(() => order.at(-1)).toBe('d');
});
