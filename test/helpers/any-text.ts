import fc from 'fast-check';

/** Any text of Unicode; as `unit: 'binary'` of fast-check, which takes a second to get ready. */
export const ANY_TEXT: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x10f7ff }), { maxLength: 20 })
  .map((codes) => codes.map((code) => (code < 0xd800 ? code : code + 0x800))) // no surrogates
  .map((codes) => String.fromCodePoint(...codes));
