// `--dedicated SITE`: the kmalloc calls of a call site, which are to get a cache of their own.

import { UsageError } from '../../base/errors.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call, Site } from '../../kernel/indices.ts';
import type { DedicatedCache } from '../../replay/machine/changed-plan.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';

/**
 * @param sites each `symbol+0xoff`, `symbol` for all call sites of a function, or `0x…`
 * @throws UsageError where a site names no kmalloc call of the recording
 */
export function findDedicatedCalls(run: ResolvedRun, sites: readonly string[]): DedicatedCache[] {
  return sites.map((name) => {
    const calls = new Set<number>();
    const { calls: table } = run.dictionary;
    for (let call: Call = 1; call < table.length; call++) {
      if (isKmalloc(table.kind(call)) && isNamed(run, table.site(call), name)) calls.add(call);
    }
    if (calls.size > 0) return { name, calls };
    throw new UsageError(`--dedicated ${name}: no kmalloc call of this recording is there`, {
      hint: 'Call sites are listed by `slabreplay frag SOURCE --by site`.',
    });
  });
}

function isNamed({ sites }: ResolvedRun, site: Site, name: string): boolean {
  const { address, symbol, module } = sites.get(site);
  if (symbol === name || sites.functionOf(site) === name) return true;
  if (module !== null && `${symbol} [${module}]` === name) return true;
  return address !== null && /^0x[0-9a-f]+$/i.test(name) && address === BigInt(name);
}
