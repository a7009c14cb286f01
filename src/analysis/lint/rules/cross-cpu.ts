import { counted, formatCount } from '../../../base/bytes-format.ts';
import { exampleOf, type LintRule, siteColumns } from '../finding.ts';

const LEAST_COUNT = 1000;
const LEAST_SHARE = 0.5;

export const crossCpu: LintRule = {
  id: 'cross-cpu',
  severity: 'note',
  title: 'objects that are mostly freed on another CPU than they were allocated on',
  help:
    'Such a free takes the slow path: the slab belongs to another CPU, so its freelist is changed ' +
    'with an atomic exchange and its cache line moves. Look for a queue between CPUs, or pin both ends.',
  find({ run, tracker, sites }) {
    return sites.flatMap(({ key, calls: own, frees, crossCpuFrees }) => {
      if (crossCpuFrees < LEAST_COUNT || crossCpuFrees < frees * LEAST_SHARE) return [];
      const message = `${formatCount(crossCpuFrees)} of ${counted(frees, 'free was', 'frees were')} on another CPU`;
      const example = exampleOf(run, tracker.first, own);
      return [
        { count: crossCpuFrees, ...siteColumns(key.name), cache: key.cache, message, example },
      ];
    });
  },
};
