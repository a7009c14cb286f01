// LeakSanitizer's suppression files (`leak:pattern` lines) → which stacks they name, with its rules
// (clang's SanitizerSpecialCaseList): a pattern is found anywhere in a function's or module's name, `*`
// stands for anything, `^` and `$` for the start and the end. `#` begins a comment.

import { UsageError } from '../../base/errors.ts';

export class Suppressions {
  private readonly patterns: readonly RegExp[];

  /** @throws UsageError that names the bad line */
  constructor(text: string, path: string) {
    this.patterns = text.split('\n').flatMap((line, i) => {
      const trimmed = line.trim();
      if (trimmed === '' || trimmed.startsWith('#')) return [];
      const [, type, pattern] = /^(\w+):(.+)$/.exec(trimmed) ?? [];
      if (type === undefined || pattern === undefined) {
        throw new UsageError(`${path}:${i + 1}: not a suppression: '${trimmed}'`, {
          hint: "A line is leak:PATTERN, as LeakSanitizer's suppression files have it.",
        });
      }
      // Files of other sanitizers' lines may be in one file.
      return type === 'leak' ? [patternOf(pattern)] : [];
    });
  }

  /** @param frames `function+0xoff [module]`, innermost first */
  matches(frames: readonly string[]): boolean {
    return frames.some((frame) => {
      const [, name = frame, module] =
        /^([^\s+]+)(?:\+0x[0-9a-f]+)?(?: \[(.+)\])?$/.exec(frame) ?? [];
      const names = module === undefined ? [name] : [name, module];
      return this.patterns.some((p) => names.some((n) => p.test(n)));
    });
  }
}

function patternOf(pattern: string): RegExp {
  const start = pattern.startsWith('^') ? '^' : '';
  const end = pattern.endsWith('$') ? '$' : '';
  const middle = pattern
    .slice(start.length, pattern.length - end.length)
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*');
  return new RegExp(start + middle + end);
}
