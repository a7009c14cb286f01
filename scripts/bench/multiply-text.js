// Ring-buffer text → a longer one: the events again and again, each time at later seconds.

import { closeSync, openSync, writeSync } from 'node:fs';

/** ` 204.013665: ` before the name of an event. */
const TIME = / (\d+)(\.\d{6}: )/g;

/**
 * @param text of tracefs' `trace`
 * @param path the file to write
 * @param lines how many event lines it shall have at least
 * @returns how many it has
 */
export function multiplyText(text, path, lines) {
  const all = text.split('\n');
  const header = all.filter((line) => line.startsWith('#')).join('\n');
  // Stacks are left out: what is measured is lines of events.
  const events = all.filter((line) => / \[\d+\] /.test(line) && !line.endsWith('<stack trace>'));
  const body = `${events.join('\n')}\n`;
  const seconds = (line) => Number(new RegExp(TIME.source).exec(line)?.[1] ?? 0);
  const round = seconds(events.at(-1)) - seconds(events[0]) + 1;
  const times = Math.ceil(lines / events.length);
  const fd = openSync(path, 'w');
  try {
    writeAll(fd, `${header}\n`);
    for (let n = 0; n < times; n++) {
      writeAll(
        fd,
        body.replace(TIME, (_, s, rest) => ` ${Number(s) + n * round}${rest}`),
      );
    }
  } finally {
    closeSync(fd);
  }
  return times * events.length;
}

function writeAll(fd, text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
