// What puts a machine back as it was, on every way out.

import { describeError } from '../../base/errors.ts';

/** Steps are run once, the last one first; one that fails does not keep the others from running. */
export class UndoSteps {
  private readonly steps: (() => void)[] = [];

  add(step: () => void): void {
    this.steps.push(step);
  }

  /** @returns what could not be put back, in words */
  run(): string[] {
    const failures: string[] = [];
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        step();
      } catch (error) {
        failures.push(describeError(error));
      }
    }
    return failures;
  }
}
