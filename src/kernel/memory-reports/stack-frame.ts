// One line of a stack in a kernel log → its function. Forms, by who prints them:
//    foo+0x1/0x2 [mod]                      %pS
//    ? foo+0x1/0x2                          x86, where the unwinder is not sure
//    [<ffffffff81578fe9>] foo+0x35/0xa0     until 4.x (%p beside %pS)
//    [<c0012345>] (foo+0x1/0x2) from [<c0023456>] (bar+0x3/0x4)      arm; since 5.17 ` foo from bar+0x3/0x4`
//    foo (fs/foo.c:12 (discriminator 3)) mod                         scripts/decode_stacktrace.sh
//    foo+0x1/0x2 fs/foo.c:12, foo fs/foo.c:12 [inline]               syzkaller

import { isAllocatorFrame } from './allocator-frames.ts';

export interface StackFrame {
  /** `symbol+0xoff`, or only the symbol where no offset is printed. */
  readonly symbol: string;
  readonly module: string | null;
  /** True for a function that was inlined: it has no frame of its own. */
  readonly isInlined: boolean;
  /** False where the unwinder only found the address on the stack. */
  readonly isSure: boolean;
}

const LEAD = String.raw`^[\s|#]*(?:\[\s*<?\(?(?:0x)?[0-9a-fptrval_]+\)?>?\s*\]\s*)*(\?\s+)?`;
const NAME = String.raw`\.?([A-Za-z_$][\w.$]*)`;
const OFFSET = new RegExp(
  String.raw`${LEAD}\(?${NAME}(\+0x[0-9a-f]+)\/0x[0-9a-f]+\)?(?:\s+\[([^\s\]]+)[^\]]*\])?(?:\s|$)`,
);
const FROM = /\bfrom\s+(?:\[<[^>]*>\]\s*)?\(?\.?([A-Za-z_$][\w.$]*)(\+0x[0-9a-f]+)\/0x[0-9a-f]+\)?/;
const INLINED = new RegExp(String.raw`${LEAD}${NAME} \S+:\d+ \[inline\]`);
const DECODED = new RegExp(
  String.raw`${LEAD}${NAME} \([^\s()]*:[\d?]+[^()]*(?:\([^()]*\)[^()]*)*\)(?:\s+\[?(\w+)\]?)?`,
);

/** Undefined where the line is no frame. */
export function parseFrame(text: string): StackFrame | undefined {
  const from = FROM.exec(text);
  if (from !== null) {
    return { symbol: `${from[1]}${from[2]}`, module: null, isInlined: false, isSure: true };
  }
  const plain = OFFSET.exec(text);
  if (plain !== null) {
    const [, guess, name = '', offset = '', module = null] = plain;
    return { symbol: name + offset, module, isInlined: false, isSure: guess === undefined };
  }
  const inlined = INLINED.exec(text);
  if (inlined !== null) {
    return { symbol: inlined[2] ?? '', module: null, isInlined: true, isSure: true };
  }
  const decoded = DECODED.exec(text);
  if (decoded === null) return undefined;
  const [, guess, name = '', module = null] = decoded;
  return { symbol: name, module, isInlined: false, isSure: guess === undefined };
}

/** Whether a frame can be who asked for memory. */
export function isCaller({ symbol, isInlined, isSure }: StackFrame): boolean {
  return !isInlined && isSure && !isAllocatorFrame(symbol);
}
