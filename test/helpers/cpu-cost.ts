// What work costs, as a ratio to other work of the same run: seconds say nothing on a busy machine.

/** CPU time of this process in us, the least of some runs: other programs do not count. */
export async function cpuMicros(work: () => Promise<unknown>, runs: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

/** How many times the CPU time `micros` a work takes; looked at again where it seems to be over `limit`. */
export async function costRatio(
  work: () => Promise<unknown>,
  micros: number,
  limit: number,
): Promise<number> {
  const once = (await cpuMicros(work, 1)) / micros;
  return once <= limit ? once : Math.min(once, (await cpuMicros(work, 3)) / micros);
}
