// Whether a line goes on in the next one: mail programs break long lines at a blank. What a message of
// the kernel lacks shows it, or that the next line has no time where all others have one.

import type { LogLine } from './log-lines.ts';
import { parseHead } from './report-heads.ts';
import { parseFrame } from './stack-frame.ts';

/** Messages that lack their end. */
const INCOMPLETE: readonly RegExp[] = [
  /^BUG \S+ \([^)]*$/,
  /^BUG \S+ \([^)]*\):?$/,
  /^BUG: (?:KAS[Aa][Nn]|KFENCE):(?: [\w -]*)?$/,
  /First(?: byte(?: 0x\w+(?: instead(?: of)?)?)?)?$/,
  /^(?:INFO: )?(?:Allocated|Freed)(?: in(?: (?!.*pid=).*)?)?$/,
  /^(?:INFO: )?Object(?: 0x\w+)?$/,
  /^The buggy address belongs to the object(?: at)?$/,
  /which belongs to the cache(?: \S+(?: of(?: size)?)?)?$/,
  /^(?:Read|Write|Free) of (?!.*\/\d+$).*\b(?:at|addr|by|task|addr \w+)$/,
  /^kfence-#\d+:? (?!.*cache=).*$/,
  /(?:allocated|freed) by task(?: \d+)?(?: on(?: cpu(?: \d+(?: at)?)?)?)?$/,
  /^The buggy address is located(?: \d+(?: bytes(?: (?:to(?: the)?|inside))?)?)?$/,
  /^TRACE \S+(?: (?:alloc|free)(?: 0x\w+(?: inuse=\d+)?)?)?$/,
];

const WANTS_FUNCTION = /^BUG: (?:KAS[Aa][Nn]|KFENCE): .* in$/;

/** The end of a title, which stands alone in a line without its beginning. */
const TITLE_END =
  /^(?:[\w()-]+ ){0,4}(?:overwritten|corrupt|free|__kmem_cache_shutdown\(\)|kmem_cache_close\(\)|slab|freed|page|fails|failed)\.?$/;
/** Titles that are whole. */
const WHOLE_TITLE = /(?:overwritten|corrupt|free|\(\)|outside of slab|0x[0-9a-f]+|\d)$/;

/** What stands at the start of a message of its own. */
const OWN_START =
  /^(?:BUG|INFO:|Object |Slab |Allocated |Freed |Last |Redzone|Bytes b4|Padding|FIX |CPU: |Pid: |PID = |Call |Backtrace|Hardware|Workqueue|=|-|The buggy|which belongs|\d+-byte|freed \d+-byte|allocated \d+-byte|Read of|Write of|Free of|kfence-#|allocated by|freed by|\[|<|Memory state|Tainted:|RIP|TRACE |\(stack|[>^]|[0-9a-f]{8,16}:)/;

/** True where `next` is the rest of `line`. */
export function isRestOf(next: LogLine, line: LogLine): boolean {
  const text = next.text.trim();
  const before = line.text.trim();
  if (WANTS_FUNCTION.test(before)) return parseFrame(text) !== undefined;
  if (text === '' || OWN_START.test(text) || parseFrame(text) !== undefined) return false;
  if (INCOMPLETE.some((pattern) => pattern.test(before))) return true;
  const head = parseHead(before);
  if (head?.tool === 'SLUB' && TITLE_END.test(text) && !WHOLE_TITLE.test(head.title)) return true;
  return line.isTimed && !next.isTimed && head === undefined && before.length > LEAST_BROKEN;
}

/** No mail program breaks shorter lines. */
const LEAST_BROKEN = 24;
