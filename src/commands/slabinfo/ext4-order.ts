// Names in the order in which a directory of an ext4 file system lists them: by half-MD4 hash, with
// the hash seed unset. Truth: fs/ext4/dir.c ext4_dx_readdir(), fs/ext4/hash.c ext4fs_dirhash(); the
// rounds are MD4's (RFC 1320) with eight words of input instead of sixteen.
//
// The slabinfo tool reads a directory and says nothing about order, but ties of its sorting come out
// in the order read (-a, -i, and `:a-0000064` beside `:A-0000064` even without options). The order of
// lines in a capture depends on how it was taken. The tool's answers in our recordings were made on
// the capture unpacked to such a directory; with this order they are the same bytes.

/** The same items, sorted. */
export function sortAsExt4<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, hash: hashName(nameOf(item)) }))
    .sort((a, b) => a.hash.major - b.hash.major || a.hash.minor - b.hash.minor)
    .map(({ item }) => item);
}

type State = readonly [number, number, number, number];

/** MD4's start, used where a file system has no seed of its own. */
const START: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

const BYTES_PER_ROUND = 32;

function hashName(name: string): { major: number; minor: number } {
  const bytes = new TextEncoder().encode(name);
  let state = START;
  for (let at = 0; at < bytes.length; at += BYTES_PER_ROUND) {
    state = addBlock(state, wordsOf(bytes.subarray(at)));
  }
  // The lowest bit marks a collision in the index.
  return { major: (state[1] & ~1) >>> 0, minor: state[2] >>> 0 };
}

/** Eight words, first byte highest, from at most 32 bytes; the rest is filled with the length left. */
function wordsOf(bytes: Uint8Array): number[] {
  const low = bytes.length & 0xff;
  const length = bytes.length | (low << 8);
  const filler = length | (length << 16);
  const words: number[] = [];
  for (let at = 0; at < BYTES_PER_ROUND; at += 4) {
    let word = filler;
    for (const byte of bytes.subarray(at, at + 4)) word = ((byte << 24) >> 24) + (word << 8);
    words.push(word | 0);
  }
  return words;
}

interface Round {
  readonly mix: (x: number, y: number, z: number) => number;
  readonly constant: number;
  /** Which word each of the eight steps takes. */
  readonly words: readonly number[];
  /** How far each of four steps rotates. */
  readonly shifts: readonly number[];
}

const ROUNDS: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    words: [0, 1, 2, 3, 4, 5, 6, 7],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    words: [1, 3, 5, 7, 0, 2, 4, 6],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    words: [3, 7, 2, 6, 1, 5, 0, 4],
    shifts: [3, 9, 11, 15],
  },
];

function addBlock(state: State, words: readonly number[]): State {
  let [a, b, c, d] = state;
  for (const { mix, constant, words: order, shifts } of ROUNDS) {
    for (const [step, word] of order.entries()) {
      const sum = (a + mix(b, c, d) + (words[word] ?? 0) + constant) | 0;
      const shift = shifts[step % 4] ?? 0;
      const rotated = (sum << shift) | (sum >>> (32 - shift));
      [a, b, c, d] = [d, rotated, b, c];
    }
  }
  return [(state[0] + a) | 0, (state[1] + b) | 0, (state[2] + c) | 0, (state[3] + d) | 0];
}
