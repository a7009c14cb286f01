// Memory and objects by hand, for tests of the reference scan: words at addresses, objects by name.

import { hiOf, loOf } from '../../src/base/address.ts';
import { Findings } from '../../src/snapshot/findings.ts';
import { type PrintedSpace, PrintedWords } from '../../src/snapshot/memory/printed-space.ts';
import type { Annotation } from '../../src/snapshot/scan/annotations.ts';
import type { BuiltScan } from '../../src/snapshot/scan/build-scan.ts';
import { ScanBuilder } from '../../src/snapshot/scan/build-scan.ts';
import {
  buildGraph,
  type Colours,
  colourObjects,
  isWhite,
} from '../../src/snapshot/scan/colours.ts';
import { takePart } from '../../src/snapshot/scan/run-scan.ts';
import type { TracedObjects } from '../../src/snapshot/scan/traced-objects.ts';

export const PAGES = { size: 64, refcount: 52 } as const;

export interface TestObject {
  readonly address: bigint;
  readonly size: number;
  readonly annotation?: Annotation;
}

export function tracedObjects(objects: readonly TestObject[]): TracedObjects {
  const annotations = objects.flatMap((o) => o.annotation ?? []);
  return {
    count: objects.length,
    hi: Uint32Array.from(objects, (o) => hiOf(o.address)),
    lo: Uint32Array.from(objects, (o) => loOf(o.address)),
    bytesAlloc: Uint32Array.from(objects, (o) => o.size),
    bytesReq: Uint32Array.from(objects, (o) => o.size),
    objectSize: Float64Array.from(objects, (o) => o.size),
    annotation: Int32Array.from(objects, (o) =>
      o.annotation === undefined ? -1 : annotations.indexOf(o.annotation),
    ),
    annotations,
    annotationOfOther: () => undefined,
  };
}

/** Memory that holds exactly the given 64-bit words. */
export function memoryOf(words: ReadonlyMap<bigint, bigint>): PrintedSpace {
  const printed = new PrintedWords(new Findings());
  for (const [address, value] of words) printed.line(`${hex(address)}:  ${hex(value)}`);
  return printed.build();
}

/** All words of [start, start + bytes) as 0, for the given ones to be put over. */
export function zeroes(start: bigint, bytes: number): [bigint, bigint][] {
  return Array.from({ length: bytes / 8 }, (_, i) => [start + BigInt(i * 8), 0n]);
}

/** Every traced object an object, every given range a root. */
export function buildWithRoots(
  traced: TracedObjects,
  roots: readonly { readonly address: bigint; readonly bytes: number }[],
): BuiltScan {
  const builder = new ScanBuilder(traced);
  for (let row = 0; row < traced.count; row++) builder.row(row, traced.objectSize[row] ?? 0);
  for (const { address, bytes } of roots) builder.root('data', address, bytes);
  return builder.build([]);
}

export function scanAndColour(space: PrintedSpace, built: BuiltScan): Colours {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const { objects, table, plan } = built;
  const found = [takePart(space, { objects, table, plan, pages: PAGES, next })];
  return colourObjects(objects, buildGraph(objects.count, found), found, built.excess);
}

/** Addresses of the objects that nothing refers to. */
export function whiteOf(space: PrintedSpace, built: BuiltScan): string[] {
  const colours = scanAndColour(space, built);
  const { objects } = built;
  return Array.from({ length: objects.count }, (_, i) => i)
    .filter((i) => isWhite(objects, colours, i))
    .map((i) => hex((BigInt(objects.hi[i] ?? 0) << 32n) | BigInt(objects.lo[i] ?? 0)));
}

export function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
