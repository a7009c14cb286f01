#!/usr/bin/env node
// Where the program starts. The thread that reads traces takes as long to start as everything else
// to load, so it is started before all but the value of the command, which says whether it is wanted.

import { commandNamed } from './commands.ts';

const [, , name = '', ...rest] = process.argv;
const reads = await commandNamed(name)?.((command) => command.reads);
if (reads === 'events') {
  const { prepareReading } = await import('../ingest/thread/reading-thread.ts');
  rest.forEach(prepareReading);
}
const { run } = await import('./program.ts');
await run(name);
