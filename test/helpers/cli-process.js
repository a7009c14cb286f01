// Runs commands of the built program one after the other in one process, which saves the start of a
// process each: `cli-process.js MAIN`. A message is the arguments of a command; the answer what it
// printed and its exit code.

import { pathToFileURL } from 'node:url';

const main = process.argv[2] ?? '';
const { run } = await import(new URL('program.js', pathToFileURL(main)).href);

let printed = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr']) {
  const stream = process[name];
  stream.setMaxListeners(0); // every command listens
  stream.write = (text) => {
    printed[name] += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
    return true;
  };
}

process.on('message', async (args) => {
  process.argv = [process.execPath, main, ...args];
  process.exitCode = undefined;
  printed = { stdout: '', stderr: '' };
  await run(args[0]);
  process.send({ code: process.exitCode ?? 0, ...printed });
  process.exitCode = undefined;
});
process.send('ready');
