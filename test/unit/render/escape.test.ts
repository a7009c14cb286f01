import { expect, test } from 'vitest';
import { escapeMessage, escapeText } from '../../../src/render/escape.ts';

test.each([
  ['plain ASCII stays', 'kworker/u4:2-events_unbound', 'kworker/u4:2-events_unbound'],
  ['letters beyond ASCII stay', 'bärenjagd-日本', 'bärenjagd-日本'],
  ['an escape sequence', 'a\u001b[31mred', 'a\\x1b[31mred'],
  ['a line end and a tab', 'a\nb\r\tc', 'a\\x0ab\\x0d\\x09c'],
  ['NUL and DEL', '\u0000\u007f', '\\x00\\x7f'],
  ['C1: an 8-bit CSI', '\u009b2J', '\\x9b2J'],
  ['bidi override', 'user\u202excod.exe\u202c', 'user\\u202excod.exe\\u202c'],
  ['bidi isolates', '\u2066a\u2069', '\\u2066a\\u2069'],
  ['bidi marks', 'a\u200e\u200f\u061cb', 'a\\u200e\\u200f\\u061cb'],
  ['zero width and byte order mark', 'a\u200b\ufeffb', 'a\\u200b\\ufeffb'],
  ['soft hyphen', 'a\u00adb', 'a\\xadb'],
  ['line separators', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['a tag character beyond the BMP', 'a\u{e0041}', 'a\\u{e0041}'],
  ['half of a surrogate pair', 'a\ud800b', 'a\\ud800b'],
  ['a whole surrogate pair stays', 'a\u{1f600}', 'a\u{1f600}'],
  ['the replacement character stays', 'a\ufffd', 'a\ufffd'],
  ['nothing', '', ''],
])('%s', (_title, text, shown) => {
  expect(escapeText(text)).toBe(shown);
});

test('none of the 65 control characters comes through', () => {
  for (let code = 0; code < 0xa0; code++) {
    const shown = escapeText(String.fromCharCode(code));
    if (code < 0x20 || code > 0x7e) expect(shown).toBe(`\\x${code.toString(16).padStart(2, '0')}`);
    else expect(shown).toBe(String.fromCharCode(code));
  }
});

test('the lines of a message stay lines', () => {
  expect(escapeMessage('unknown column "\u001b[31mcol"\n  what to do')).toBe(
    'unknown column "\\x1b[31mcol"\n  what to do',
  );
});
