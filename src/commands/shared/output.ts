// Where a command's result goes: standard output, or where `-o` says.

import { OutputStream, outputTarget, STDOUT } from '../../base/output-target.ts';
import { PartialFile } from '../../base/partial-file.ts';
import { escapeMessage } from '../../render/escape.ts';

/** Version of the JSON that `--json` prints (CHANGELOG-formats.md). */
const FORMAT_VERSION = 1;

export interface Target {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
}

/** What is written: a whole, or lines without their ends, of which there may be too many for one string. */
export type Content = string | Uint8Array | Iterable<string>;

/** @throws ToolError as `outputTarget`, OutputError where it cannot be written */
export function writeResult(content: Content, { out = STDOUT, force = false }: Target): void {
  const target = outputTarget(out, force);
  if (target.kind === 'stream') {
    const stream = new OutputStream(target);
    for (const part of partsOf(content)) stream.write(part);
    stream.close();
    return;
  }
  const file = new PartialFile(out, force);
  for (const part of partsOf(content)) file.write(part);
  file.finish();
}

function* partsOf(content: Content): Generator<string | Uint8Array> {
  if (typeof content === 'string' || content instanceof Uint8Array) yield content;
  else for (const line of content) yield `${line}\n`;
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
