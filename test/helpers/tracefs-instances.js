// Loaded into the recorder (node --import): makes plain folders behave as the kernel's tracefs does.
//
// - mkdir in `instances` makes the files of an instance: those of the folder `new-instance` beside it;
//   per_cpu/cpuN/trace_pipe_raw becomes a pipe where a file `live` lies beside it.
// - trace_clock shows what was written to it among the clocks that there are.
// - rmdir there takes all away (to `removed`, for the test to look at), and fails with EBUSY while
//   one of the files is open (__remove_instance(), kernel/trace/trace.c).
// - A file that holds the name of an error, such as ENODEV, gives that error when read or written;
//   one named `rmdir` gives its error there.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';

const { closeSync, mkdirSync, rmdirSync, readSync, writeFileSync } = fs;
/** Errors of files that are read, by descriptor. */
const errors = new Map();

const isInstance = (path) => basename(dirname(String(path))) === 'instances';
const isOfInstance = (path) => /\/instances\/[^/]+\//.test(String(path));

function failure(code, path) {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}

function failIfTold(text, path) {
  const [code] = /^E[A-Z]+$/.exec(text) ?? [];
  if (code !== undefined) throw failure(code, path);
}

fs.mkdirSync = (path, options) => {
  const made = mkdirSync(path, options);
  if (!isInstance(path)) return made;
  fs.cpSync(join(dirname(path), '..', 'new-instance'), path, { recursive: true });
  for (const cpu of fs.readdirSync(join(path, 'per_cpu'))) {
    const pipe = join(path, 'per_cpu', cpu, 'trace_pipe_raw');
    if (!fs.existsSync(join(dirname(pipe), 'live'))) continue;
    fs.rmSync(pipe);
    execFileSync('mkfifo', [pipe]);
  }
  return made;
};

fs.rmdirSync = (path) => {
  if (typeof path !== 'string' || !isInstance(path)) return rmdirSync(path);
  const told = join(path, 'rmdir');
  if (fs.existsSync(told)) failIfTold(fs.readFileSync(told, 'latin1'), path);
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    const link = join('/proc/self/fd', fd);
    if (fs.existsSync(link) && fs.readlinkSync(link).startsWith(`${path}/`)) {
      throw failure('EBUSY', path);
    }
  }
  fs.renameSync(path, join(dirname(path), '..', 'removed'));
  return undefined;
};

fs.readSync = (fd, buffer, offset, ...rest) => {
  const length = readSync(fd, buffer, offset, ...rest);
  const text = length > 0 && length < 16 ? buffer.toString('latin1', offset, offset + length) : '';
  if (/^E[A-Z]+$/.test(text)) errors.set(fd, text);
  failIfTold(errors.get(fd) ?? '', fd);
  return length;
};

fs.closeSync = (fd) => {
  errors.delete(fd);
  closeSync(fd);
};

fs.writeFileSync = (path, ...rest) => {
  if (isOfInstance(path) && fs.existsSync(path)) failIfTold(fs.readFileSync(path, 'latin1'), path);
  if (!isOfInstance(path) || basename(path) !== 'trace_clock') return writeFileSync(path, ...rest);
  return writeFileSync(path, `local [${String(rest[0]).trim()}] mono\n`);
};

syncBuiltinESMExports();
