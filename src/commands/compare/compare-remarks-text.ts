// What is said under the tables of a comparison: which call sites are new or gone, what did not
// change, what is only noise and why, what is kept apart, what makes the runs hard to compare.

import { counted, formatBytesChange, formatCount } from '../../base/bytes-format.ts';
import { groupBy } from '../../base/keyed.ts';
import { escapeText } from '../../render/escape.ts';
import { labelled } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import { listed, METRIC_TITLES, thresholdWords } from './compare-names.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison, ComparisonRow, UncertainRow } from './judge/comparison.ts';

export function renderRemarks(comparison: Comparison): string {
  const { newSites, goneSites, unchanged, rows, uncertain, warnings, threshold } = comparison;
  const apart = uncertain.find((row) => row.subject === 'total');
  return [
    labelled('new sites', sitesText(newSites)),
    labelled('gone', sitesText(goneSites)),
    labelled(
      'unchanged',
      `within ${thresholdWords(threshold)}: ${counted(unchanged.sites, 'call site')}, ` +
        counted(unchanged.caches, 'cache'),
    ),
    ...noiseLines(rows).map((line) => labelled('noise', line)),
    ...(apart === undefined ? [] : [labelled('uncertain', uncertainText(apart))]),
    ...warnings.map((warning) => labelled('note', escapeText(warning))),
  ].join('');
}

/** Names that are printed of a list. */
const MAX_NAMES = 3;

function sitesText(sites: Comparison['newSites']): string {
  if (sites.length === 0) return 'none';
  const names = sites.map((site) => escapeText(siteText(site)));
  return `${counted(sites.length, 'call site')}: ${listed(names, MAX_NAMES)}`;
}

/** Differences above the thresholds that are no verdict: a line for each reason. */
function noiseLines(rows: readonly ComparisonRow[]): string[] {
  const noise = rows.filter((row) => row.verdict === 'noise' && row.subject !== 'total');
  return [...groupBy(noise, (row) => row.reason)].map(([reason, group]) => {
    const metrics = [...groupBy(group, (row) => row.metric)].map(([metric, own]) => {
      const names = own.map((row) => escapeText(subjectText(row)));
      return `${METRIC_TITLES[metric]} of ${listed(names, MAX_NAMES)}`;
    });
    return `${metrics.join('; ')}: ${reason}`;
  });
}

function uncertainText({ baseObjects, newObjects, delta }: UncertainRow): string {
  const range = (values: readonly number[]): string => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`;
  };
  return (
    `${range(baseObjects)} live ${Math.max(...baseObjects) === 1 ? 'object' : 'objects'} in base and ${range(newObjects)} in new may be freed ` +
    `already (${formatBytesChange(delta)}): kept apart, no verdict counts them`
  );
}
