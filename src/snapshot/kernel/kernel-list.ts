// struct list_head → the addresses of its nodes. A list in a damaged image may run in a circle, lead
// out of the memory, or never end: each ends the walk and is counted.

import type { Findings } from '../findings.ts';
import { type KernelReader, MissingMemory } from './kernel-reader.ts';

/** Lists longer than this are damaged, whatever they are of. */
const MAX_NODES = 64 * 1024 * 1024;

/**
 * The nodes behind `head`, without it. `list_head.next` is the first field, at the address itself.
 * @param what names the list in findings
 */
export function* walkList(
  reader: KernelReader,
  head: bigint,
  what: string,
  findings: Findings,
): Generator<bigint> {
  // Brent: a marker that moves on by powers of two meets any circle without a set of what was seen.
  let marker = head;
  let steps = 0;
  let limit = 2;
  let node = head;
  for (let n = 0; n < MAX_NODES; n++) {
    try {
      node = reader.u64(node);
    } catch (error) {
      if (!(error instanceof MissingMemory)) throw error;
      findings.add('list_unreadable', () => `${what}, after ${n} entries: ${error.message}`);
      return;
    }
    if (node === head) return;
    if (node === marker) {
      findings.add('list_loop', () => `${what}, after ${n} entries`);
      return;
    }
    yield node;
    if (++steps === limit) {
      marker = node;
      steps = 0;
      limit *= 2;
    }
  }
  findings.add('list_loop', () => `${what}, after ${MAX_NODES} entries`);
}
