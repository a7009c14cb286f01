// Constant C expressions as they stand in print formats:
//   ( unsigned long)((((((1UL))) << (10)))) | (( gfp_t)0x40u)
// Numbers with suffixes, casts, parentheses, unary - ~ !, binary * / % + - << >> & ^ |.
// BigInt, so that 64-bit constants stay exact; results above 2^53 are of no use here and refused.

const TOKEN = /\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|<<|>>|[-+*/%&|^~!()])/y;

/** Binary operators by how tightly they bind. */
const PRECEDENCE: Record<string, number> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};

/** The value of a constant expression as an unsigned number, or undefined where it is not one. */
export function evaluateConstant(text: string): number | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens);
  const value = parser.expression(1, 0);
  if (value === undefined || !parser.atEnd) return undefined;
  const unsigned = BigInt.asUintN(64, value);
  return unsigned <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(unsigned) : undefined;
}

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const token = TOKEN.exec(trimmed)?.[1];
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return tokens;
}

const MAX_DEPTH = 200;
const isWord = (token: string | undefined): boolean => /^[A-Za-z_]/.test(token ?? '');

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(tokens: readonly string[]) {
    this.tokens = tokens;
  }

  get atEnd(): boolean {
    return this.at === this.tokens.length;
  }

  expression(minPrecedence: number, depth: number): bigint | undefined {
    let left = this.unary(depth);
    for (;;) {
      const operator = this.tokens[this.at];
      const precedence = PRECEDENCE[operator ?? ''];
      if (left === undefined || precedence === undefined || precedence < minPrecedence) return left;
      this.at++;
      const right = this.expression(precedence + 1, depth + 1);
      left = right === undefined ? undefined : apply(operator ?? '', left, right);
    }
  }

  private unary(depth: number): bigint | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const token = this.tokens[this.at++];
    if (token === undefined) return undefined;
    if (token === '(') {
      const first = this.at;
      while (isWord(this.tokens[this.at]) || this.tokens[this.at] === '*') this.at++;
      if (this.at > first && this.tokens[this.at] === ')') {
        this.at++; // a cast
        return this.unary(depth + 1);
      }
      this.at = first;
      const value = this.expression(1, depth + 1);
      return this.tokens[this.at++] === ')' ? value : undefined;
    }
    if (token === '-' || token === '~' || token === '!' || token === '+') {
      const value = this.unary(depth + 1);
      if (value === undefined || token === '+') return value;
      if (token === '!') return value === 0n ? 1n : 0n;
      return token === '-' ? -value : ~value;
    }
    if (!/^\d/.test(token)) return undefined;
    if (/^[uUlL]+$/.test(this.tokens[this.at] ?? '')) this.at++; // the suffix of the number
    return BigInt(/^0[0-7]+$/.test(token) ? `0o${token.slice(1)}` : token);
  }
}

function apply(operator: string, left: bigint, right: bigint): bigint | undefined {
  switch (operator) {
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    case '&':
      return left & right;
    case '<<':
      return right < 0n || right > 63n ? undefined : BigInt.asIntN(64, left << right);
    case '>>':
      return right < 0n || right > 63n ? undefined : left >> right;
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return BigInt.asIntN(64, left * right);
    default:
      if (right === 0n) return undefined;
      return operator === '/' ? left / right : left % right;
  }
}
