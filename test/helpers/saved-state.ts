// Saves whatever is reachable from an object as text, and makes it again: a test that an object has
// all of its state in itself. Classes and functions are code, not state, and are kept as they are; so
// a closure over state shows up as state that was not saved.

export interface SavedState {
  readonly text: string;
  /** Prototypes and functions that the text refers to. */
  readonly code: readonly unknown[];
}

type Cell =
  | string
  | number
  | boolean
  | null
  | { readonly node: number }
  | { readonly code: number }
  | { readonly special: string }
  | { readonly bigint: string };

interface Node {
  readonly kind: 'object' | 'array' | 'map' | 'set' | 'buffer' | 'view';
  /** Of an object, of a view over bytes: the number of its prototype in the code. */
  readonly prototype?: number;
  readonly keys?: readonly string[];
  readonly values: readonly Cell[];
}

export function saveState(root: object): SavedState {
  const nodes: Node[] = [];
  const numbers = new Map<object, number>();
  const code: unknown[] = [];
  const codeOf = (value: unknown): number => {
    const at = code.indexOf(value);
    return at >= 0 ? at : code.push(value) - 1;
  };
  const cell = (value: unknown): Cell => {
    if (typeof value === 'function') return { code: codeOf(value) };
    if (typeof value === 'object' && value !== null) return { node: visit(value) };
    if (typeof value === 'bigint') return { bigint: String(value) };
    if (typeof value === 'number' && !Number.isFinite(value)) return { special: String(value) };
    if (value === undefined) return { special: 'undefined' };
    return value as Cell;
  };
  const visit = (value: object): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const number = nodes.length;
    numbers.set(value, number);
    nodes.push({ kind: 'object', values: [] });
    nodes[number] = describe(value);
    return number;
  };
  const describe = (value: object): Node => {
    if (Array.isArray(value)) return { kind: 'array', values: Array.from(value, cell) };
    if (value instanceof Map) return { kind: 'map', values: [...value].flat().map(cell) };
    if (value instanceof Set) return { kind: 'set', values: [...value].map(cell) };
    if (value instanceof ArrayBuffer) {
      return { kind: 'buffer', values: [Buffer.from(value).toString('base64')] };
    }
    const prototype = codeOf(Object.getPrototypeOf(value));
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, length } = value as Uint8Array;
      return { kind: 'view', prototype, values: [cell(buffer), byteOffset, length] };
    }
    return {
      kind: 'object',
      prototype,
      keys: Object.keys(value),
      values: Object.values(value).map(cell),
    };
  };
  visit(root);
  return { text: JSON.stringify(nodes), code };
}

export function restoreState<T extends object>({ text, code }: SavedState): T {
  const nodes = JSON.parse(text) as Node[];
  const made: unknown[] = [];
  const contents = (cell: Cell): unknown => {
    if (typeof cell !== 'object' || cell === null) return cell;
    if ('node' in cell) return make(cell.node);
    if ('code' in cell) return code[cell.code];
    if ('bigint' in cell) return BigInt(cell.bigint);
    return cell.special === 'undefined' ? undefined : Number(cell.special);
  };
  const make = (number: number): unknown => {
    if (made[number] !== undefined) return made[number];
    const { kind, prototype = 0, keys = [], values } = nodes[number] as Node;
    switch (kind) {
      case 'array': {
        const array: unknown[] = [];
        made[number] = array;
        for (const value of values) array.push(contents(value));
        break;
      }
      case 'map': {
        const map = new Map<unknown, unknown>();
        made[number] = map;
        for (let i = 0; i < values.length; i += 2)
          map.set(contents(values[i] as Cell), contents(values[i + 1] as Cell));
        break;
      }
      case 'set':
        made[number] = new Set(values.map(contents));
        break;
      case 'buffer':
        made[number] = new Uint8Array(Buffer.from(values[0] as string, 'base64')).buffer;
        break;
      case 'view': {
        const { constructor: View } = code[prototype] as {
          constructor: new (...args: unknown[]) => object;
        };
        made[number] = new View(...values.map(contents));
        break;
      }
      case 'object': {
        const object = Object.create(code[prototype] as object | null) as Record<string, unknown>;
        made[number] = object;
        keys.forEach((key, i) => {
          object[key] = contents(values[i] as Cell);
        });
      }
    }
    return made[number];
  };
  return make(0) as T;
}
