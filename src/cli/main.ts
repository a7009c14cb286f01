#!/usr/bin/env node
// Where the program starts. The thread that reads traces takes as long to start as everything else
// to load, so it is started first.

import { prepareReading } from '../ingest/thread/reading-thread.ts';

/** Commands that mainly read the events of a source. */
const READERS = new Set(
  'analyze ingest frag rates lint history perfkmem replay report compare export'.split(' '),
);

const [, , command = '', ...rest] = process.argv;
if (READERS.has(command)) rest.forEach(prepareReading);
const { run } = await import('./program.ts');
await run(command);
