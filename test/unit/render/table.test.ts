import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatPercent } from '../../../src/base/bytes-format.ts';
import {
  type Cell,
  type Column,
  csvLine,
  renderCsv,
  renderTable,
  shorten,
} from '../../../src/render/table.ts';
import { ANY_TEXT } from '../../helpers/any-text.ts';

const COLUMNS: Column[] = [
  { title: 'Busiest caches', name: 'cache' },
  { title: 'allocs', format: formatCount },
  { title: 'bytes', format: formatBytes },
  { title: '', name: 'note' },
];

describe('renderTable', () => {
  test('aligns text to the left and formatted numbers to the right', () => {
    const rows: Cell[][] = [
      ['names_cache', 64571, 264482816, ''],
      ['kmalloc-8k', 4, 32768, '*'],
      ['dentry', null, 1023],
    ];
    expect(renderTable(COLUMNS, rows, { indent: 2 })).toBe(
      [
        'Busiest caches  allocs     bytes',
        '  names_cache   64,571  252.2 MB',
        '  kmalloc-8k         4     32 KB  *',
        '  dentry             -   1,023 B',
        '',
      ].join('\n'),
    );
  });

  test('no heading, no indent, own alignment', () => {
    const columns: Column[] = [
      { title: 'a', align: 'right' },
      { title: 'b', align: 'left', format: formatPercent },
    ];
    expect(
      renderTable(
        columns,
        [
          ['x', 1.5],
          ['long', 20],
        ],
        { heading: false },
      ),
    ).toBe('   x  1.5 %\nlong  20.0 %\n');
  });

  test('without rows there is the heading alone, or nothing', () => {
    expect(renderTable(COLUMNS, [])).toBe('Busiest caches  allocs  bytes\n');
    expect(renderTable(COLUMNS, [], { heading: false })).toBe('');
  });

  test('values without a format are written as they are', () => {
    const columns = [{ title: 'v' }];
    const rows: Cell[][] = [[12], [5n], [true], [false], [null], [Number.NaN], [Infinity], ['']];
    expect(renderTable(columns, rows)).toBe('v\n12\n5\nyes\nno\n-\n-\n-\n\n');
  });

  test('names are escaped: one row is one line', () => {
    expect(renderTable([{ title: 'task' }], [['e\u001b[2Jvil\nname']])).toBe(
      'task\ne\\x1b[2Jvil\\x0aname\n',
    );
  });

  test('wide characters keep the columns in line', () => {
    const columns: Column[] = [{ title: 'task' }, { title: 'n', format: formatCount }];
    expect(
      renderTable(columns, [
        ['日本', 1],
        ['bär', 22],
      ]),
    ).toBe('task   n\n日本   1\nbär   22\n');
  });

  test('nothing is lost where the width of a character is in doubt', () => {
    const text = renderTable([{ title: '' }, { title: 'n' }], [['\u2764\ufe0f', 1]]);
    expect(text).toContain('\u2764\ufe0f');
    expect(text).not.toContain('\u2026');
  });

  test('the widest text column is cut in its middle until the line has 100 columns', () => {
    const columns: Column[] = [
      { title: 'cache' },
      { title: 'site' },
      { title: 'n', format: formatCount },
    ];
    const site = `start_${'x'.repeat(110)}_end+0x1f`;
    const text = renderTable(columns, [['kmalloc-192', site, 814217]]);
    const line = text.split('\n')[1] ?? '';
    expect(line).toHaveLength(100);
    expect(line).toBe(`kmalloc-192  start_${'x'.repeat(32)}...${'x'.repeat(28)}_end+0x1f  814,217`);
  });

  test('several text columns share the cut; numbers are kept whole', () => {
    const columns: Column[] = [{ title: 'a' }, { title: 'b' }, { title: 'n', format: formatCount }];
    const text = renderTable(columns, [['a'.repeat(60), 'b'.repeat(50), 123456789]], { width: 60 });
    expect(text.split('\n')[1]).toBe(
      `${'a'.repeat(10)}...${'a'.repeat(9)}  ${'b'.repeat(10)}...${'b'.repeat(10)}  123,456,789`,
    );
  });

  test('width 0 cuts nothing; a width below the least is passed rather than numbers lost', () => {
    const rows: Cell[][] = [['x'.repeat(300), 1]];
    const columns: Column[] = [{ title: 'a' }, { title: 'n', format: formatCount }];
    expect(renderTable(columns, rows, { width: 0 }).split('\n')[1]).toBe(`${'x'.repeat(300)}  1`);
    expect(renderTable(columns, rows, { width: 3 }).split('\n')[1]).toBe('xxxxx...xxxx  1');
  });

  test('a long table has one width from its first line to its last', () => {
    const columns: Column[] = [{ title: 'cache' }, { title: 'n', format: formatCount }];
    const rows = Array.from({ length: 400 }, (_, i): Cell[] => [i === 399 ? 'kmalloc-8k' : 'a', i]);
    const lines = renderTable(columns, rows).split('\n');
    expect(lines).toHaveLength(402);
    expect(lines[0]).toBe('cache         n');
    expect(lines[100]).toBe('a            99');
    expect(lines[400]).toBe('kmalloc-8k  399');
  });

  test('no line is wider than asked, and none ends in a blank', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 80 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, fc.nat()), { maxLength: 6 }), (rows) => {
        const columns: Column[] = [
          { title: 'a' },
          { title: 'b' },
          { title: 'n', format: formatCount },
        ];
        const lines = renderTable(columns, rows).split('\n');
        expect(lines).toHaveLength(rows.length + 2);
        for (const line of lines) {
          expect([...line].length).toBeLessThanOrEqual(100 + countMarks(line));
          expect(line).not.toMatch(/ $/);
        }
      }),
      { seed: 1 },
    );
  });
});

/** Combining marks take no column of their own. */
function countMarks(line: string): number {
  return line.match(/\p{M}/gu)?.length ?? 0;
}

describe('shorten', () => {
  test.each([
    ['bucket_table_alloc', 18, 'bucket_table_alloc'],
    ['bucket_table_alloc', 17, 'bucket_...e_alloc'],
    ['bucket_table_alloc', 4, 'b...'],
    ['bucket_table_alloc', 3, '...'],
    ['bucket_table_alloc', 1, '.'],
    ['bucket_table_alloc', 0, ''],
    ['日本日本日本', 9, '日...本'],
  ])('%s to %d is %s', (text, width, short) => {
    expect(shorten(text, width)).toBe(short);
  });
});

describe('CSV', () => {
  test('has the values themselves under their names', () => {
    const rows: Cell[][] = [
      ['names_cache', 64571, 264482816, ''],
      ['a,"b"\nc', null, 18446744073709551615n, 'x y'],
      ['dentry', 1, 2],
    ];
    expect(renderCsv(COLUMNS, rows)).toBe(
      'cache,allocs,bytes,note\nnames_cache,64571,264482816,\n"a,""b""\nc",,18446744073709551615,x y\ndentry,1,2,\n',
    );
  });

  test('what is not a number is empty; a single empty field is quoted', () => {
    expect(csvLine([Number.NaN, Infinity, true, -0.5])).toBe(',,true,-0.5\n');
    expect(csvLine([null])).toBe('""\n');
  });

  test('any names come back from a CSV reader', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ANY_TEXT, fc.string()), { minLength: 1 }), (rows) => {
        const text = renderCsv([{ title: 'a' }, { title: 'b' }], rows);
        expect(parse(text)).toEqual([['a', 'b'], ...rows]);
      }),
      { seed: 1 },
    );
  });
});
