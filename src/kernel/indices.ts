// What an index is of. Each kind is a number of its own: the index of a call does not go where that of
// a slab is expected, and reads no column of slabs (kernel/column.ts). Any plain number may become an
// index, by its declaration: `for (let call: Call = 1; call < calls.length; call++)`.
//
// The enums exist as types only. Of their members only the values count: 0 and 1, from which loops
// start, and a fraction, which no index has, to tell one kind from the others.

declare enum CallIndex {
  none = 0,
  first = 1,
  kind = 0.01,
}
/** Index into `Dictionary.calls`; 0 is none. */
export type Call = CallIndex;

declare enum SiteIndex {
  none = 0,
  first = 1,
  kind = 0.02,
}
/** Index into `Dictionary.sites`; 0 is none. */
export type Site = SiteIndex;

declare enum TaskIndex {
  none = 0,
  first = 1,
  kind = 0.03,
}
/** Index into `Dictionary.tasks`; 0 is none. */
export type Task = TaskIndex;

declare enum StackIndex {
  none = 0,
  first = 1,
  kind = 0.04,
}
/** Index into `Dictionary.stacks`; 0 is none. */
export type Stack = StackIndex;

declare enum CpuNumber {
  first = 0,
  second = 1,
  kind = 0.05,
}
/** Number of a CPU, as the kernel counts. */
export type Cpu = CpuNumber;

declare enum EventIndex {
  first = 0,
  second = 1,
  kind = 0.06,
}
/** Row of an event in an `EventBatch`, and in the columns of pairing beside it. */
export type EventRow = EventIndex;

declare enum LiveIndex {
  first = 0,
  second = 1,
  kind = 0.07,
}
/** Row of a live object in `LiveObjects`. */
export type LiveRow = LiveIndex;

declare enum RowIndex {
  first = 0,
  second = 1,
  kind = 0.08,
}
/** Row of a table that one class keeps for itself. */
export type Row = RowIndex;

declare enum SlabIndex {
  first = 0,
  second = 1,
  kind = 0.09,
}
/** Row of a slab in a `SlabTable`. */
export type Slab = SlabIndex;

declare enum ObjectIndex {
  first = 0,
  second = 1,
  kind = 0.1,
}
/** Number of an object in its slab. */
export type ObjectNumber = ObjectIndex;

declare enum CacheIndex {
  first = 0,
  second = 1,
  kind = 0.11,
}
/** Index into the caches of a `SlubModel`. */
export type Cache = CacheIndex;

declare enum NodeIndex {
  first = 0,
  second = 1,
  kind = 0.12,
}
/** Number of a NUMA node. */
export type Node = NodeIndex;
