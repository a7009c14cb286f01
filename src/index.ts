// What a program that uses slabreplay as a library may import: the uses that the commands have, each
// a source in and a plain result object out, and the errors they throw.

export type { Analysis } from './analysis/overview.ts';
export { ingestRun } from './analysis/store-run/ingest-run.ts';
export {
  InputError,
  OutputError,
  StoreError,
  ToolError,
  TraceFormatError,
  UsageError,
} from './base/errors.ts';
export { analyseRun } from './commands/analyze/analyse-run.ts';
export { listFormats } from './commands/formats/list-formats.ts';
export { fragmentRun } from './commands/frag/fragment-run.ts';
export type { Fragmentation } from './commands/frag/fragmentation.ts';
export { rateRun } from './commands/rates/rate-run.ts';
export type { Rates } from './commands/rates/rates.ts';
export type { SourceOptions } from './run/source.ts';
