// A name of kernel code with its module.

/** `symbol [module]`, as the kernel prints it (%pS, lib/vsprintf.c): without brackets where it is built in. */
export function inModule(symbol: string, module: string | null): string {
  return module === null ? symbol : `${symbol} [${module}]`;
}
