// Format `csv`: events as rows of CSV, as `export --to csv` writes them (docs/csv.md). RFC 4180, with
// a header line; lines that begin with # are passed over.

import type { TraceFormat } from '../format.ts';
import { isHeader, parseRow } from './columns.ts';
import { CsvReader } from './csv-reader.ts';

export const csvFormat: TraceFormat = {
  name: 'csv',
  title: 'CSV of events, as export --to csv writes it',
  carries: 'all that an event has; also recorded writes, caches made and destroyed, bulk frees',

  detect(head) {
    const text = Buffer.from(head)
      .toString('utf8')
      .replace(/^\ufeff/, '');
    const line = text.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('#')) ?? '';
    return (
      isHeader(parseRow(line) ?? []) || 'its first line names no columns ts, cpu, pid, event, ptr'
    );
  },

  open: (input, writer, info) => Promise.resolve(new CsvReader(input, writer, info)),
};
