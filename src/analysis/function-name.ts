// What is added to the name of a function: by the compiler where it copied or split it, by the kernel
// where allocation profiling wraps it (`_noprof`, from 6.10 on). Builds differ in it, so call sites of
// different builds are matched without.

import { functionOf } from '../kernel/symbols/symbols.ts';

/** `bucket_table_alloc.isra.0`, `alloc_super.constprop.0`, `foo.part.3`, `foo.cold`, `foo.llvm.12`. */
const COMPILER_SUFFIX = /(?:\.(?:(?:constprop|isra|part|llvm|lto_priv)\.\d+|cold(?:\.\d+)?))+$/;

const PROFILING_SUFFIX = /_noprof$/;

/** The function of `symbol+0xoff`, as its source calls it. */
export function functionName(symbol: string): string {
  return functionOf(symbol).replace(COMPILER_SUFFIX, '').replace(PROFILING_SUFFIX, '');
}
