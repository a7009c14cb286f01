/**
 * Hands messages on one in each turn of the event loop, in their order: signals and timers get theirs
 * in between. A port hands on up to a thousand in one turn, seconds of work where each is a batch.
 */
export function oneATurn<T>(take: (message: T) => void): (message: T) => void {
  const waiting: T[] = [];
  const next = (): void => {
    const [message] = waiting.splice(0, 1);
    if (message === undefined) return;
    take(message);
    if (waiting.length > 0) setImmediate(next);
  };
  return (message) => {
    waiting.push(message);
    if (waiting.length === 1) setImmediate(next);
  };
}
