// Where a command's result goes: standard output, or where `-o` says.

import { OutputStream, outputTarget, STDOUT } from '../../base/output-target.ts';
import { writeWhole } from '../../base/partial-file.ts';
import { escapeMessage } from '../../render/escape.ts';

/** Version of the JSON that `--json` prints (CHANGELOG-formats.md). */
const FORMAT_VERSION = 1;

export interface Target {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
}

/** @throws ToolError as `outputTarget`, OutputError where it cannot be written */
export function writeResult(content: string | Uint8Array, { out = STDOUT, force }: Target): void {
  const target = outputTarget(out, force === true);
  if (target.kind === 'stream') {
    const stream = new OutputStream(target);
    stream.write(content);
    stream.close();
    return;
  }
  writeWhole(out, content, force === true);
}

/** Says on standard error what a file holds now; of what went elsewhere nothing. */
export function noteWritten(out: string, what: string): void {
  if (outputTarget(out, true).kind === 'file') warn(`${out}: ${what}`);
}

/** A result as `--json` prints it. */
export function renderJson(result: object): string {
  return `${JSON.stringify({ formatVersion: FORMAT_VERSION, ...result }, null, 1)}\n`;
}

/** A line to standard error. */
export function warn(text: string): void {
  process.stderr.write(`slabreplay: ${escapeMessage(text)}\n`);
}
