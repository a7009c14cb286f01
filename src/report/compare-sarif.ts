// A comparison as SARIF 2.1.0 (OASIS), for code scanning: a result for every row that crosses a gate
// (error) and every other regression (warning). Where the source of a call site lies is not known;
// the results name the recording, and the function as a logical location.

import type { Comparison, ComparisonRow } from '../analysis/compare/comparison.ts';
import type { Metric } from '../analysis/compare/metrics.ts';
import {
  changeText,
  crossingText,
  METRIC_TITLES,
  objectsText,
  percentText,
  subjectName,
  valueText,
} from './compare-names.ts';
import { escapeText } from './escape.ts';

const RULE_TEXTS: Readonly<Record<Metric, string>> = {
  live: 'More slab memory is held at the end of the run.',
  peak: 'More slab memory is held at the peak of the run.',
  waste: 'More slab memory is lost to rounding and padding.',
  allocBytes: 'More slab memory is allocated.',
  allocRate: 'Slab memory is allocated more often.',
  slabs: 'The cache takes more slabs.',
  findings: 'There are more findings.',
};

export function renderSarif(comparison: Comparison): string {
  const gated = comparison.gates.flatMap((gate) =>
    gate.rows.map((row) => ({
      row,
      level: 'error',
      text: `${subjectName(row)}: ${METRIC_TITLES[row.metric]} ${crossingText(row)} (gate ${gate.spec})`,
    })),
  );
  const taken = new Set(gated.map(({ row }) => rowKey(row)));
  const others = comparison.rows
    .filter((row) => row.verdict === 'regression' && !taken.has(rowKey(row)))
    .map((row) => ({ row, level: 'warning', text: regressionText(row) }));
  const results = [...gated, ...others];
  const metrics = [...new Set(results.map(({ row }) => row.metric))];
  const uri = encodeURI(comparison.new[0]?.run.sources[0] ?? '');
  const sarif = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'slabreplay',
            rules: metrics.map((metric) => ({
              id: ruleId(metric),
              shortDescription: { text: RULE_TEXTS[metric] },
            })),
          },
        },
        results: results.map(({ row, level, text }) => ({
          ruleId: ruleId(row.metric),
          ruleIndex: metrics.indexOf(row.metric),
          level,
          message: { text: escapeText(text) },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri } },
              logicalLocations: [
                {
                  name: escapeText(subjectName(row)),
                  kind: row.subject === 'site' ? 'function' : 'resource',
                },
              ],
            },
          ],
          // The same thing in the next run is the same alert.
          partialFingerprints: { 'slabreplayRow/v1': rowKey(row) },
          properties: {
            base: row.base,
            new: row.new,
            delta: row.delta,
            deltaPct: row.deltaPct,
            unit: row.unit,
            reason: row.reason,
          },
        })),
      },
    ],
  };
  return `${JSON.stringify(sarif, null, 1)}\n`;
}

function ruleId(metric: Metric): string {
  return `slabreplay/${metric}`;
}

function rowKey(row: ComparisonRow): string {
  return escapeText(`${row.subject}:${subjectName(row)}:${row.metric}`);
}

function regressionText(row: ComparisonRow): string {
  const was = `${valueText(row.baseMedian, row.unit)} -> ${valueText(row.newMedian, row.unit)}`;
  const objects = objectsText(row);
  const held = objects === '' ? '' : `; ${objects}`;
  return `${subjectName(row)}: ${METRIC_TITLES[row.metric]} ${changeText(row.delta, row.unit)} (${percentText(row)}), ${was}${held}. ${row.reason}`;
}
