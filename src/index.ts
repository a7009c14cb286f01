// What a program that uses slabreplay as a library may import (docs/library.md): a run is opened and
// asked for results, which are plain objects, the same that `--json` prints.

export type * from './analysis/leaks/leaks-result.ts';
export type { LeaksOptions } from './analysis/leaks/leaks-run.ts';
export type * from './analysis/lint/finding.ts';
export type { Lint, LintRuleText } from './analysis/lint/lint-run.ts';
export type * from './analysis/outstanding.ts';
export type * from './analysis/overview.ts';
export type * from './analysis/owners.ts';
export type { ProfileValue } from './analysis/profile-stacks.ts';
export type * from './analysis/size-advice.ts';
export type { Ingested } from './analysis/store-run/ingest-run.ts';
export {
  InputError,
  OutputError,
  StoreError,
  ToolError,
  TraceFormatError,
  UsageError,
} from './base/errors.ts';
export type { Progress, ProgressListener } from './base/progress.ts';
export type { Compared } from './commands/compare/compare-runs.ts';
export type * from './commands/compare/judge/comparison.ts';
export type { ExportFormat } from './commands/export/export-formats.ts';
export type { ExportedFile } from './commands/export/export-to.ts';
export { type FormatEntry, listFormats } from './commands/formats/list-formats.ts';
export type * from './commands/frag/fragmentation.ts';
export type * from './commands/history/history.ts';
export type * from './commands/history/history-run.ts';
export type * from './commands/rates/rates.ts';
export type { ReplayTexts } from './commands/replay/replay-options.ts';
export type * from './commands/replay/replay-run.ts';
export type * from './commands/replay/what-if.ts';
export type {
  Validation,
  ValidationReport,
} from './commands/validate/validate-run.ts';
export type { CsvOptions } from './ingest/format.ts';
export type { EventBatch } from './kernel/events/event-batch.ts';
export { type CompareOptions, compare } from './library/compare.ts';
export type { RecordedEvent } from './library/recorded-events.ts';
export {
  type ExportOptions,
  type FragmentationOptions,
  type OverviewOptions,
  openRun,
  type RatesOptions,
  type ReplayChange,
  type Run,
  type ValidateOptions,
} from './library/run.ts';
export type { RunOptions, Select } from './library/run-options.ts';
export type { SidecarChoice } from './recording/find-source.ts';
export type * from './run/replay-report.ts';
export type * from './run/replay-summary.ts';
export type { Completeness, RunSummary } from './run/run-summary.ts';
export type * from './run/slab-map.ts';
export type { EventTableInput } from './store/event-table.ts';
