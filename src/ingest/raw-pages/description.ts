// What raw pages do not say themselves, from the files beside them: how the pages are laid out and
// what the events look like (head.dat, the head of a trace.dat; else tracing/events), task names,
// the clock.

import { memorySource } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { pageSizeOf } from '../../recording/read-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { EventFormat } from '../events/event-format.ts';
import { parseHeaderPage } from '../ring-buffer/header-page.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { parseCmdlines } from '../saved-cmdlines.ts';
import { readSidecarFormats } from '../sidecar-formats.ts';
import { readTraceDatHeader, type TraceDatHeader } from '../trace-dat/header.ts';
import { tracerClock, tracerTaskNames } from '../tracer-files.ts';
import { guessLayout } from './page-guess.ts';

export interface PagesDescription {
  readonly formats: readonly EventFormat[];
  /** Of the pages in the files. */
  readonly layout: ByteLayout;
  /** Of a page of memory, where that is known. */
  readonly memoryPageSize: number | undefined;
  readonly commOf: ReadonlyMap<number, string>;
  readonly clock: string | null;
  readonly kernelRelease: string | null;
  readonly kallsyms: Buffer | undefined;
}

/**
 * @param path names the input in messages
 * @param head its first bytes; empty where the first CPU has no events
 * @throws TraceFormatError where nothing describes the events
 */
export function describePages(
  path: string,
  head: Uint8Array,
  sidecars: SidecarFiles,
): PagesDescription {
  const dat = readHead(sidecars);
  const formats = dat?.formats ?? readSidecarFormats(sidecars);
  if (formats.length === 0) {
    throw new TraceFormatError(`${path}: raw ring-buffer pages, and nothing that describes them`, {
      hint: 'They need tracing/events/kmem/*/format, or a head.dat (trace-cmd restore -c), beside them or in a folder named with --sidecars.',
    });
  }
  return {
    formats,
    layout: layoutOf(path, head, sidecars, dat),
    memoryPageSize: pageSizeOf(sidecars),
    commOf: tracerTaskNames(sidecars) ?? parseCmdlines(dat?.cmdlines ?? ''),
    clock: tracerClock(sidecars) ?? dat?.options.clock ?? null,
    kernelRelease: dat?.options.uname?.split(/\s+/)[2] ?? null,
    kallsyms: dat?.kallsyms,
  };
}

function readHead(sidecars: SidecarFiles): TraceDatHeader | undefined {
  const bytes = sidecars.bytes('head.dat');
  if (bytes === undefined) return undefined;
  return readTraceDatHeader(memorySource(bytes), sidecars.taken.get('head.dat') ?? 'head.dat');
}

/** As head.dat or header_page says; what they leave open, as the pages themselves look. */
function layoutOf(
  path: string,
  head: Uint8Array,
  sidecars: SidecarFiles,
  dat: TraceDatHeader | undefined,
): ByteLayout {
  const shape = dat?.page ?? parseHeaderPage(sidecars.text('tracing/events/header_page') ?? '');
  const pageSize = pageSizeOf(sidecars);
  const known: Partial<ByteLayout> = {
    ...(dat && { littleEndian: dat.layout.littleEndian }),
    ...(shape ?? (pageSize === undefined ? {} : { pageSize })),
  };
  const layout = guessLayout(head, known);
  if (layout !== undefined) return layout;
  if (head.length === 0) return { littleEndian: true, longSize: 8, pageSize: 4096, ...known };
  const size = known.pageSize === undefined ? '' : ` of ${known.pageSize} bytes`;
  throw new TraceFormatError(`${path}: no ring-buffer pages${size} at its start`, {
    hint:
      shape === undefined
        ? 'It is empty, damaged, or of another kind.'
        : 'Is the header_page (or head.dat) beside it of the same kernel?',
  });
}
