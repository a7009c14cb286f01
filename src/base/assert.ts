// Statements that only a bug in slabreplay can break; main() prints them with their stack, exit 70.

/** Throws when `condition` does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}

/** The value, where the program itself holds that there is one; a missing one is a bug of ours. */
export function present<T>(value: T | undefined): T {
  assert(value !== undefined, 'a value that is always there');
  return value;
}
