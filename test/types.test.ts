// What the type checker is told instead of asked, `!` and `as`. A missing value that is cast away is
// found by a user; so `!` reads arrays by a plain number that the program has counted, an index of a
// kind (kernel/indices.ts) reads columns without it, and a cast that narrows a type gives its reason.

import { relative, resolve } from 'node:path';
import {
  type AsExpression,
  isAsExpression,
  isElementAccessExpression,
  isNonNullExpression,
  isNumericLiteral,
  type Node,
  type NonNullExpression,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { API, type Checker, type Program } from 'typescript/unstable/sync';
import { afterAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = resolve(ROOT, 'src');

const api = new API({ cwd: ROOT });
afterAll(() => api.close());

/** What `visit` finds in the files of src/. */
function checkSource(visit: (file: SourceFile, checker: Checker) => string[]): string[] {
  const snapshot = api.updateSnapshot({ openProjects: [resolve(ROOT, 'tsconfig.json')] });
  const [project] = snapshot.getProjects();
  if (project === undefined) throw new Error('tsconfig.json is no project');
  const { program, checker } = project;
  return program
    .getSourceFileNames()
    .filter((name) => name.startsWith(SRC))
    .flatMap((name) => {
      const file = program.getSourceFile(name);
      return file === undefined ? [] : visit(file, checker);
    });
}

type SourceFile = NonNullable<ReturnType<Program['getSourceFile']>>;

function nodesOf<T extends Node>(file: SourceFile, is: (node: Node) => node is T): T[] {
  const found: T[] = [];
  const visit = (node: Node): void => {
    if (is(node)) found.push(node);
    node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return found;
}

/** `src/store/run-info.ts:22 JSON.parse(text) as Info` */
function placeOf(file: SourceFile, node: Node): string {
  const line = file.text.slice(0, node.end).split('\n').length;
  const text = file.text.slice(node.pos, node.end).trim().replace(/\s+/g, ' ');
  return `${relative(ROOT, file.fileName)}:${line} ${text}`;
}

/** Where `column[i]!` reads numbers, or `list[i]!` by an index that the program has counted. */
function isColumnRead({ expression }: NonNullExpression, checker: Checker): boolean {
  if (!isElementAccessExpression(expression)) return false;
  if (!isNumericLiteral(expression.argumentExpression)) return true;
  const type = checker.getTypeAtLocation(expression.expression);
  return type !== undefined && /Array<.*Buffer.*>|^Buffer/.test(checker.typeToString(type));
}

test('`!` reads columns; a first element may be missing', () => {
  const others = checkSource((file, checker) =>
    nodesOf(file, isNonNullExpression)
      .filter((node) => !isColumnRead(node, checker))
      .map((node) => placeOf(file, node)),
  );
  expect(others).toEqual([]);
});

/** Where the index is of a kind: a column of that kind needs no `!`, one of another is the wrong one. */
function isIndexOfKind({ expression }: NonNullExpression, checker: Checker): boolean {
  if (!isElementAccessExpression(expression)) return false;
  const index = checker.getTypeAtLocation(expression.argumentExpression);
  return index !== undefined && /\b(?:\w+Index|CpuNumber)\b/.test(checker.typeToString(index));
}

test('an index of a kind reads the columns of that kind, without `!`', () => {
  const wrong = checkSource((file, checker) =>
    nodesOf(file, isNonNullExpression)
      .filter((node) => isIndexOfKind(node, checker))
      .map((node) => placeOf(file, node)),
  );
  expect(wrong).toEqual([]);
});

/** `as const`, and casts to a wider type, which assert nothing. */
function isSafe({ expression, type }: AsExpression, checker: Checker): boolean {
  if (type.kind === SyntaxKind.TypeReference && /^\s*const$/.test(textOf(type))) return true;
  const [from, to] = [checker.getTypeAtLocation(expression), checker.getTypeFromTypeNode(type)];
  if (from === undefined || to === undefined || checker.typeToString(from) === 'any') return false;
  return checker.isTypeAssignableTo(from, to);
}

const textOf = (node: Node): string => node.getSourceFile().text.slice(node.pos, node.end);

/** A line that begins with `// Cast:` in the four lines above the end of the cast. */
function hasReason(file: SourceFile, node: Node): boolean {
  const lines = file.text.slice(0, node.end).split('\n');
  return lines.slice(-5).some((line) => /^\s*\/\/ Cast: /.test(line));
}

test('a cast to a narrower type gives its reason', () => {
  const bare = checkSource((file, checker) =>
    nodesOf(file, isAsExpression)
      .filter((node) => !isSafe(node, checker) && !hasReason(file, node))
      .map((node) => placeOf(file, node)),
  );
  expect(bare).toEqual([]);
});
