// A comparison as SARIF (render/sarif.ts): a result for every row that crosses a gate (error) and every
// other regression (warning). What GitHub wants of a file beyond the standard (a first line, `primaryLocationLineHash`, texts of rules) is there:
// docs.github.com, "SARIF support for code scanning".

import { createHash } from 'node:crypto';
import { escapeText } from '../../render/escape.ts';
import { sarifLocations, sarifLog } from '../../render/sarif.ts';
import {
  changeText,
  crossingText,
  METRIC_TITLES,
  objectsText,
  percentText,
  placeText,
  valueText,
} from './compare-names.ts';
import type { Metric } from './figures/metrics.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison, ComparisonRow } from './judge/comparison.ts';

const RULE_TEXTS: Readonly<Record<Metric, { readonly short: string; readonly help: string }>> = {
  live: {
    short: 'More slab memory is held at the end of the run.',
    help: 'Objects that are allocated for certain when the recording ends, in bytes.',
  },
  peak: {
    short: 'More slab memory is held at the peak of the run.',
    help: 'The most that was held at one moment of the recording, in bytes.',
  },
  waste: {
    short: 'More slab memory is lost to rounding and padding.',
    help: 'The part of the memory held at the end that nobody asked for: size classes, alignment.',
  },
  allocBytes: {
    short: 'More slab memory is allocated.',
    help: 'Bytes that were allocated over the whole run, freed or not.',
  },
  allocRate: {
    short: 'Slab memory is allocated more often.',
    help: 'Allocations per second.',
  },
  slabs: {
    short: 'The cache takes more slabs.',
    help: 'Slabs of the cache at the end of the recording.',
  },
  findings: { short: 'There are more findings.', help: 'Errors and warnings found in the run.' },
};

interface Result {
  readonly row: ComparisonRow;
  readonly level: 'error' | 'warning';
  readonly text: string;
}

export function renderSarif(comparison: Comparison): string {
  const results = collectResults(comparison);
  const metrics = [...new Set(results.map(({ row }) => row.metric))];
  const uri = uriOf(comparison.new[0]?.run.sources[0] ?? '');
  const dead = comparison.gates.filter((gate) => gate.matched === 0);
  return sarifLog(metrics.map(ruleOf), {
    invocations: [
      {
        executionSuccessful: dead.length === 0,
        toolConfigurationNotifications: dead.map(({ spec }) =>
          notification('error', `gate ${spec} matches no row`),
        ),
        toolExecutionNotifications: comparison.warnings.map((warning) =>
          notification('note', warning),
        ),
      },
    ],
    results: results.map(({ row, level, text }) => ({
      ruleId: ruleId(row.metric),
      ruleIndex: metrics.indexOf(row.metric),
      level,
      message: { text: escapeText(text) },
      locations: sarifLocations(
        uri,
        escapeText(subjectText(row)),
        row.subject === 'site' ? 'function' : 'resource',
      ),
      partialFingerprints: fingerprintsOf(row),
      properties: {
        base: row.base,
        new: row.new,
        delta: row.delta,
        deltaPct: row.deltaPct,
        unit: row.unit,
        p: row.p,
        reason: row.reason,
      },
    })),
  });
}

/** One for each row: with all gates that it crosses, or as a regression that no gate asks for. */
function collectResults({ gates, rows }: Comparison): Result[] {
  const gated = new Map<string, Result>();
  for (const gate of gates) {
    for (const row of gate.rows) {
      const text = `${crossingText(row)} (gate ${gate.spec})`;
      const before = gated.get(rowKey(row))?.text;
      const start = before ?? `${subjectText(row)}: ${METRIC_TITLES[row.metric]}`;
      const joined = before === undefined ? `${start} ${text}` : `${start}; ${text}`;
      gated.set(rowKey(row), { row, level: 'error', text: joined });
    }
  }
  const others = rows
    .filter((row) => row.verdict === 'regression' && !gated.has(rowKey(row)))
    .map((row): Result => ({ row, level: 'warning', text: regressionText(row) }));
  return [...gated.values(), ...others];
}

function ruleOf(metric: Metric): object {
  const { short, help } = RULE_TEXTS[metric];
  return {
    id: ruleId(metric),
    shortDescription: { text: short },
    fullDescription: { text: `${short} ${help}` },
    help: { text: `${help} The runs are compared new against base.` },
    defaultConfiguration: { level: 'warning' },
  };
}

function ruleId(metric: Metric): string {
  return `slabreplay/${metric}`;
}

function notification(level: 'error' | 'note', text: string): object {
  return { level, message: { text: escapeText(text) } };
}

/**
 * The same thing in the next run is the same alert. Code scanning tells alerts apart by rule, file
 * and `primaryLocationLineHash`, and here all are of one file.
 */
function fingerprintsOf(row: ComparisonRow): Record<string, string> {
  const key = rowKey(row);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return { primaryLocationLineHash: `${hash}:1`, 'slabreplayRow/v1': key };
}

function rowKey(row: ComparisonRow): string {
  return escapeText(`${row.subject}:${subjectText(row)}:${row.metric}`);
}

function regressionText(row: ComparisonRow): string {
  const was = `${valueText(row.baseMedian, row.unit)} -> ${valueText(row.newMedian, row.unit)}`;
  const objects = objectsText(row);
  const held = objects === '' ? '' : `; ${objects}${placeText(row)}`;
  return `${subjectText(row)}: ${METRIC_TITLES[row.metric]} ${changeText(row.delta, row.unit)} (${percentText(row)}), ${was}${held}. ${row.reason}`;
}

/** A path as a URI: a relative reference, or `file:` where it starts at the root. */
function uriOf(path: string): string {
  const encoded = escapeText(path).split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
