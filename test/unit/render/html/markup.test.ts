import { describe, expect, test } from 'vitest';
import { renderDataTable } from '../../../../src/render/html/data-table.ts';
import { html, rawHtml, scriptJson } from '../../../../src/render/html/markup.ts';

describe('markup', () => {
  test('values are text, markup is markup, nothing is nothing', () => {
    const name = `</b><img src=x onerror='a("b")'> & more`;
    expect(html`<p title="${name}">${name}</p>`.text).toBe(
      '<p title="&lt;/b&gt;&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt; &amp; more">' +
        '&lt;/b&gt;&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt; &amp; more</p>',
    );
    expect(html`${[html`<i>${1}</i>`, rawHtml('<br>'), null, false, '<']}`.text).toBe(
      '<i>1</i><br>&lt;',
    );
  });

  test('control and direction characters are shown as codes', () => {
    expect(html`${'a\u202eb\u0000'}`.text).toBe('a\\u202eb\\x00');
  });

  test('JSON cannot end its script element', () => {
    const value = { name: '</script><!--<script>' };
    const { text } = scriptJson(value);
    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual(value);
  });
});

describe('tables', () => {
  const table = (most: number): string =>
    renderDataTable<{ name: string; bytes: number | null }>({
      id: 't',
      what: 'thing',
      most,
      rows: [
        { name: 'a<b', bytes: 100 },
        { name: 'c', bytes: null },
        { name: 'd', bytes: 40 },
        { name: 'e', bytes: 2 },
      ],
      columns: [
        { title: 'name', value: ({ name }) => name, isCode: true },
        {
          title: 'bytes',
          value: ({ bytes }) => bytes,
          format: (value) => (value === null ? '-' : `${value} B`),
          hasBars: true,
          isSum: true,
        },
      ],
    }).text;

  test('numbers carry their value and a bar against the largest', () => {
    expect(table(9)).toContain('<td><code>a&lt;b</code></td>');
    expect(table(9)).toContain('<td data-v="100" class="bar" style="--w:100%">100 B</td>');
    expect(table(9)).toContain('<td data-v="">-</td>');
    expect(table(9)).toContain('<td data-v="40" class="bar" style="--w:40%">40 B</td>');
    expect(table(9)).not.toContain('tfoot');
  });

  test('what is cut is counted and summed', () => {
    expect(table(2)).toContain(
      '<tfoot><tr><td>2 other things</td><td data-v="42">42 B</td></tr></tfoot>',
    );
    expect(table(2)).not.toContain('<code>d</code>');
    expect(table(3)).toContain('<td>1 other thing</td>');
  });
});
