// What a program that uses slabreplay as a library may import: the uses that the commands have, each
// a source in and a plain result object out, and the errors they throw.

export type { Fragmentation } from './analysis/fragmentation.ts';
export type { Analysis } from './analysis/overview.ts';
export type { Rates } from './analysis/rates.ts';
export {
  InputError,
  OutputError,
  StoreError,
  ToolError,
  TraceFormatError,
  UsageError,
} from './base/errors.ts';
export { analyseRun } from './pipeline/analyse-run.ts';
export { fragmentRun } from './pipeline/fragment-run.ts';
export { ingestRun } from './pipeline/ingest-run.ts';
export { listFormats } from './pipeline/list-formats.ts';
export type { SourceOptions } from './pipeline/load-run.ts';
export { rateRun } from './pipeline/rate-run.ts';
