// What a call site is called in every report.

import { inModule } from '../kernel/symbols/in-module.ts';

/** `symbol+0xoff [module]`, else the address, else '?'. Not escaped. */
export function siteText({
  symbol,
  module,
  site,
}: {
  readonly symbol: string | null;
  readonly module: string | null;
  readonly site: string | null;
}): string {
  if (symbol === null) return site ?? '?';
  return inModule(symbol, module);
}
