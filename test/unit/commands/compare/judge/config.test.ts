import { expect, test } from 'vitest';
import { UsageError } from '../../../../../src/base/errors.ts';
import { parseCompareConfig } from '../../../../../src/commands/compare/judge/config.ts';

test('thresholds, gates and budgets', () => {
  const config = parseCompareConfig(
    `{
      "threshold": "2%,32KiB",
      "per": "second",
      "failOn": ["total:live>+5%"],
      "budgets": { "site:foo_probe:live": "64KiB", "cache:kmalloc-*:waste": "1MiB" }
    }`,
    'gates.json',
  );
  expect(config.threshold).toEqual({ percent: 2, bytes: 32768 });
  expect(config.per).toBe('second');
  expect(config.gates.map((gate) => gate.spec)).toEqual([
    'total:live>+5%',
    'site:foo_probe:live<=64KiB',
    'cache:kmalloc-*:waste<=1MiB',
  ]);
});

test('every key may be left out', () => {
  expect(parseCompareConfig('{}', 'gates.json')).toEqual({
    threshold: undefined,
    per: undefined,
    gates: [],
  });
});

test.each([
  ['[]', 'gates.json: not a JSON object'],
  ['{"failon": []}', "gates.json: unknown key 'failon'"],
  ['{"failOn": "total:live>+5%"}', 'gates.json: failOn: not a list'],
  ['{"failOn": [5]}', 'gates.json: failOn[0]: not a text'],
  ['{"budgets": {"total:live": 5}}', 'gates.json: budgets.total:live: not a text'],
  [
    '{"failOn": ["total:live>+5%", "total:lice>+5%"]}',
    "gates.json: failOn[1] 'total:lice>+5%': unknown metric 'lice', at character 7",
  ],
  ['{"per": "fortnight"}', "gates.json: per 'fortnight': not known"],
  [
    '{"threshold": "much"}',
    "gates.json: threshold 'much': 'much' is neither a percentage nor a size, at character 1",
  ],
])('%s is refused with the place', (content, message) => {
  const parse = (): unknown => parseCompareConfig(content, 'gates.json');
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(expect.objectContaining({ message }));
});

test('a byte order mark before it says nothing', () => {
  expect(parseCompareConfig('\ufeff{"per": "second"}', 'gates.json').per).toBe('second');
});

test('what is not JSON is refused in one line', () => {
  expect(() => parseCompareConfig('{\n "failOn": [,]\n}', 'gates.json')).toThrow(
    /^gates\.json: not JSON: .+$/,
  );
});
