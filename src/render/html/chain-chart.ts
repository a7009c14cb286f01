// Call chains as the numbers of an icicle, with every name in them escaped.

import type { CallChains } from '../../analysis/call-chains.ts';
import { escapeText } from '../escape.ts';
import type { ChainsData } from './page-data.ts';

/** As CHAIN_VALUES of call-chains.ts. */
const MEASURES = ['live bytes', 'live bytes wasted', 'allocated bytes', 'allocated bytes wasted'];
/** @param sides names of the two sides, where two are compared */
export function chainsData(
  { names, chains, amounts }: CallChains,
  sides: readonly string[] = [],
): ChainsData {
  return { measures: MEASURES, sides, names: names.map(escapeText), chains, amounts };
}
