// The examples in documentation: blocks marked `console`, in which `$ command` is followed by what it
// prints. A line `[...]` stands for any lines. `UPDATE_DOCS=1 npx vitest run test/e2e/docs.test.ts` writes
// the outputs anew (those without `[...]`); read the difference.

export interface DocExample {
  readonly command: string;
  /** The printed lines as the page has them. */
  readonly lines: readonly string[];
  /** Where they stand: index of the first, and of the one behind the last. */
  readonly from: number;
  readonly to: number;
}

const ANY_LINES = '[...]';

/** The examples of a page, in order. */
export function parseExamples(markdown: string): DocExample[] {
  const lines = markdown.split('\n');
  const examples: DocExample[] = [];
  let inside = false;
  let command: string | undefined;
  let from = 0;
  const end = (to: number): void => {
    if (command !== undefined) examples.push({ command, lines: lines.slice(from, to), from, to });
    command = undefined;
  };
  lines.forEach((line, i) => {
    if (line.startsWith('```')) {
      end(i);
      inside = !inside && line === '```console';
    } else if (inside && line.startsWith('$ ')) {
      end(i);
      command = line.slice(2);
      from = i + 1;
    }
  });
  return examples;
}

/** The output as the page should have it: the page's own where `[...]` makes the two agree. */
export function expectedLines(example: DocExample, output: readonly string[]): readonly string[] {
  const parts = example.lines.join('\n').split(ANY_LINES);
  if (parts.length === 1) return output;
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*');
  return new RegExp(`^${pattern}$`).test(output.join('\n')) ? example.lines : output;
}

/** The page with other outputs. */
export function replaceOutputs(
  markdown: string,
  outputs: readonly { readonly example: DocExample; readonly lines: readonly string[] }[],
): string {
  const lines = markdown.split('\n');
  for (const { example, lines: output } of [...outputs].reverse()) {
    lines.splice(example.from, example.to - example.from, ...output);
  }
  return lines.join('\n');
}
