// The unreferenced objects among themselves: which of them others of them lead to, and so what goes
// when the code that lost one is mended.

import { type Colours, isWhite, type ReferenceGraph } from './colours.ts';
import type { ObjectColumns } from './object-list.ts';

/** Objects visited for all questions together; then the answer is null. */
const MAX_VISITS = 200_000_000;

export class WhiteGraph {
  private readonly objects: ObjectColumns;
  private readonly graph: ReferenceGraph;
  private readonly colours: Colours;
  private readonly seen: Uint32Array;
  private round = 0;
  private visits = 0;

  constructor(objects: ObjectColumns, graph: ReferenceGraph, colours: Colours) {
    this.objects = objects;
    this.graph = graph;
    this.colours = colours;
    this.seen = new Uint32Array(objects.count);
  }

  /** Bytes of the given objects and of all white ones that can be reached from them. */
  retained(from: Iterable<number>): number | null {
    const { objects, graph, colours, seen } = this;
    const round = ++this.round;
    const stack: number[] = [];
    const visit = (i: number): void => {
      if (seen[i] === round || !isWhite(objects, colours, i)) return;
      seen[i] = round;
      stack.push(i);
    };
    for (const i of from) visit(i);
    let bytes = 0;
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      if (this.visits++ > MAX_VISITS) return null;
      bytes += objects.size[i]!;
      const end = graph.starts[i + 1]!;
      for (let e = graph.starts[i]!; e < end; e++) visit(graph.targets[e]!);
    }
    return bytes;
  }
}
