// Stacks of names as lines, `outer;inner;[cache] 4096`: what flamegraph.pl (brendangregg/FlameGraph),
// inferno and speedscope draw. With two numbers, base and new, a differential flame graph, as
// difffolded.pl writes it.

import type { NamedStack } from '../../analysis/profile-stacks.ts';
import { escapeText } from '../../render/escape.ts';

export function renderCollapsed(stacks: readonly NamedStack[]): string {
  return stacks
    .map(({ names, values }) => `${names.map(frameText).join(';')} ${values.join(' ')}\n`)
    .join('');
}

/** A name cannot end its frame. */
function frameText(name: string): string {
  return escapeText(name).replaceAll(';', ':');
}
