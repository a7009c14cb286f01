// Statements that only a bug in slabreplay can break; main() prints them with their stack, exit 70.

/** Throws when `condition` does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}
