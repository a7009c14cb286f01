import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../../src/base/errors.ts';
import { parseGate } from '../../../../../src/commands/compare/judge/gate-expression.ts';

describe('a gate', () => {
  test.each([
    ['cache:kmalloc-*:waste>+5%', 'cache', 'kmalloc-*', 'waste', '>', 'percent', 5],
    ['waste>+5%', 'total', '*', 'waste', '>', 'percent', 5],
    ['total:live>5%', 'total', '*', 'live', '>', 'percent', 5],
    ['site:foo_probe:live<=64KiB', 'site', 'foo_probe', 'live', '<=', 'value', 65536],
    ['total:peak>=+1.5MiB', 'total', '*', 'peak', '>=', 'change', 1572864],
    ['total:live<=-10%', 'total', '*', 'live', '<=', 'percent', -10],
    ['total:live<-4096', 'total', '*', 'live', '<', 'change', -4096],
    ['cache:dentry:slabs>+10', 'cache', 'dentry', 'slabs', '>', 'change', 10],
    ['total:findings>0', 'total', '*', 'findings', '>', 'value', 0],
    ['total:allocRate<=50000', 'total', '*', 'allocRate', '<=', 'value', 50000],
    // Cache ids and Rust symbols hold colons, blanks stand where they like.
    ['cache::A-0000256:live>+1%', 'cache', ':A-0000256', 'live', '>', 'percent', 1],
    ['site:<a::b>::c+0x1:live>1K', 'site', '<a::b>::c+0x1', 'live', '>', 'value', 1024],
    [' cache:a b : waste > +5 % ', 'cache', 'a b', 'waste', '>', 'percent', 5],
  ])('%s', (spec, subject, glob, metric, comparator, of, number) => {
    expect(parseGate(spec)).toEqual({
      spec,
      from: '--fail-on',
      subject,
      glob,
      metric,
      comparator,
      limit: { of, number, isObjects: false },
    });
  });

  test('live is also counted in objects', () => {
    expect(parseGate('site:foo:live<=10objects').limit).toEqual({
      of: 'value',
      number: 10,
      isObjects: true,
    });
    expect(parseGate('site:foo:live>+1 object').limit).toMatchObject({ of: 'change', number: 1 });
  });
});

describe('a broken gate is refused with the position', () => {
  test.each([
    ['cache:foo:wast>+5%', "unknown metric 'wast', at character 11"],
    ['cache:foo:  wast>+5%', "unknown metric 'wast', at character 13"],
    ['wast>+5%', "unknown metric 'wast', at character 1"],
    ['cache:foo:waste', 'a comparison is missing, at character 16'],
    ['', 'a comparison is missing, at character 1'],
    ['total:waste==5%', 'a comparison is missing, at character 12'],
    ['slab:foo:waste>+5%', 'unknown subject, at character 1'],
    ['cache:waste>+5%', 'unknown subject, at character 1'],
    ['cache::waste>+5%', 'an empty name, at character 7'],
    ['total:waste>', 'a limit is missing, at character 13'],
    ['total:waste> lots', "'lots' is no limit, at character 14"],
    ['total:waste>+', "'+' is no limit, at character 13"],
    ['total:waste>5objects', "'waste' is not counted in objects, at character 13"],
    ['total:slabs>64KiB', "'slabs' is not counted in bytes, at character 13"],
  ])('%s', (spec, message) => {
    const parse = (): unknown => parseGate(spec);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(expect.objectContaining({ message: `--fail-on '${spec}': ${message}` }));
  });

  test('in a config file under its place', () => {
    expect(() => parseGate('x', 'gates.json: failOn[2]')).toThrow(
      "gates.json: failOn[2] 'x': a comparison is missing, at character 2",
    );
  });
});
