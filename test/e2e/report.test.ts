// Pages in a real browser: they open without an error, ask nobody for anything, tables sort and
// filter, the icicle zooms, and no name from a recording becomes markup.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
// biome-ignore lint/correctness/noUnresolvedImports: its types re-export what Biome does not follow.
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PageData } from '../../src/render/html/page-data.ts';
import { BOOT, jsonOf, outputOf, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

const CHROMIUM = process.env['SLABREPLAY_CHROMIUM'] ?? '/usr/bin/chromium';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const LEAKS = 'traces/leak-example';
const HOSTILE = '</script><img src=x onerror=document.title=1>';

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});

async function reportOf(source: string, ...options: string[]): Promise<string> {
  const path = join(folder, 'report.html');
  await outputOf(['report', source, '-o', path, '-q', ...options]);
  return path;
}

describe('report', () => {
  test('one file, small, that never overwrites another unasked', async () => {
    const path = await reportOf(STACKS);
    expect(statSync(path).size).toBeLessThan(1024 * 1024);
    const again = await runCli(['report', STACKS, '-o', path]);
    expect(again.code).toBe(74);
    expect(again.stderr).toBe(
      `slabreplay: ${path}: exists already\n  Use --force to overwrite it.\n`,
    );
    expect((await runCli(['report', STACKS])).code).toBe(2);
    expect((await runCli(['report', join(folder, 'none'), '-o', 'x.html'])).code).toBe(74);
  });

  test('says how large it is', async () => {
    const path = join(folder, 'said.html');
    const { stderr } = await runCli(['report', STACKS, '-o', path, '--no-replay']);
    expect(stderr).toMatch(/said\.html: [\d.]+ KB\n$/);
  });
});

/** The numbers that a page's charts are drawn of. */
function dataOf(path: string): PageData {
  const [, json = ''] = /id="data">(.*?)<\/script>/s.exec(readFileSync(path, 'utf8')) ?? [];
  return JSON.parse(json) as PageData;
}

test('the slab map has the slabs of the replay, slot by slot', async () => {
  const { slabs } = dataOf(await reportOf(STACKS));
  const replay = await jsonOf<{
    caches: { name: string; slabs: number; totalObjects: number; allocated: number }[];
  }>(['replay', STACKS]);
  const drawn = slabs.map(({ cache, rows }) => {
    const slots = rows.map((row) => row.slots).join('');
    const free = slots.replaceAll(/[^.o]/g, '').length;
    const [totalObjects, allocated] = [slots.length, slots.length - free];
    return { name: cache, slabs: rows.length, totalObjects, allocated };
  });
  expect(drawn.length).toBeGreaterThan(5);
  expect(replay.caches).toEqual(
    expect.arrayContaining(drawn.map((cache) => expect.objectContaining(cache))),
  );
});

test('a memory snapshot beside the run: its leaks', async () => {
  const path = await reportOf(LEAKS);
  const { groups } = await jsonOf<{ groups: unknown[] }>(['leaks', LEAKS]);
  const [, table = ''] =
    /id="leaks-table".*?<tbody>(.*?)<\/tbody>/s.exec(readFileSync(path, 'utf8')) ?? [];
  expect(groups.length).toBeGreaterThan(0);
  expect(table.match(/<tr>/g)).toHaveLength(groups.length);
  expect(readFileSync(await reportOf(LEAKS, '--no-snapshot', '--force'), 'utf8')).not.toContain(
    'leaks-table',
  );
});

const describeInBrowser = existsSync(CHROMIUM) ? describe : describe.skip;
const where = existsSync(CHROMIUM) ? '' : ` (skipped: no ${CHROMIUM})`;

describeInBrowser(`in Chromium${where}`, () => {
  let browser: BrowserContext;
  beforeAll(async () => {
    // An empty folder of its own for the profile each time: the default of playwright.
    browser = await chromium.launchPersistentContext('', {
      executablePath: CHROMIUM,
      args: FLAGS,
    });
  });
  afterAll(async () => {
    await browser?.close();
  });

  interface Opened {
    readonly page: Page;
    /** What went wrong, and what was asked for beyond the file itself. */
    readonly problems: string[];
  }

  async function open(path: string): Promise<Opened> {
    const page = await browser.newPage();
    const url = pathToFileURL(path).href;
    const problems: string[] = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== url) problems.push(`request: ${request.url()}`);
    });
    await page.goto(url);
    return { page, problems };
  }

  const column = (page: Page, table: string, number: number): Promise<string[]> =>
    page.locator(`#${table} tbody td:nth-child(${number})`).allTextContents();

  test('a whole boot: charts, tables, map, both themes, and not a word in the console', async () => {
    const { page, problems } = await open(await reportOf(BOOT));
    expect(await page.locator('#time-chart canvas').count()).toBe(1);
    expect(await page.locator('#slab-map canvas').count()).toBe(1);
    expect(await page.locator('#icicle .box').count()).toBeGreaterThan(20);

    // Sorted by allocations, the busiest cache first; then the other way round.
    const head = page.locator('#caches-table th', { hasText: /^allocs$/ });
    await head.locator('button').click();
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    expect((await column(page, 'caches-table', 1))[0]).toBe('Acpi-State');
    await head.locator('button').click();
    expect((await column(page, 'caches-table', 1)).at(-1)).toBe('Acpi-State');

    // Filtered: rows that hold the text.
    await page.locator('#caches .tools input').fill('kmalloc-');
    const shown = await page
      .locator('#caches-table tbody tr:visible td:first-child')
      .allTextContents();
    const names = await column(page, 'caches-table', 1);
    expect(shown.length).toBe(names.filter((name) => name.includes('kmalloc-')).length);

    const background = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(await background()).toBe('rgb(255, 255, 255)');
    await page.locator('#theme').click();
    expect(await background()).toBe('rgb(20, 23, 28)');
    expect(problems).toEqual([]);
  });

  test('stacks: a click makes a box the whole width, another way back', async () => {
    const { page, problems } = await open(await reportOf(STACKS));
    const width = (name: string): Promise<number> =>
      page.evaluate<number>(
        `[...document.querySelectorAll('#icicle .box')].find((b) => b.textContent === '${name}').clientWidth`,
      );
    const [name = ''] = (await page.locator('#icicle .box').allTextContents()).slice(2);
    const whole = await width('all');
    const before = await width(name);
    expect(before).toBeLessThan(whole - 2);
    await page.locator('#icicle .box', { hasText: name }).first().click();
    expect(Math.abs((await width(name)) - whole)).toBeLessThanOrEqual(2);
    expect(await page.locator('#icicle .info').textContent()).toContain(`${name}: `);
    await page.locator('#icicle .box', { hasText: /^all$/ }).click();
    expect(await width(name)).toBe(before);
    await page.locator('#icicle input').fill('no such function');
    expect(await page.locator('#icicle .box:not(.faded)').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test('hostile names stay text', async () => {
    const csv = join(folder, 'hostile.csv');
    const rows = Array.from({ length: 40 }, (_, i) => [
      `0.${1000 + i}`,
      0,
      1,
      'kmalloc',
      `0x${(0xffff888000000000n + 64n * BigInt(i)).toString(16)}`,
      HOSTILE,
      HOSTILE,
      40,
      64,
      HOSTILE,
    ]);
    const head = 'ts,cpu,pid,event,ptr,comm,call_site,bytes_req,bytes_alloc,cache';
    writeFileSync(csv, `${head}\n${rows.map((row) => row.join()).join('\n')}\n`);
    const { page, problems } = await open(await reportOf(csv, '--label', HOSTILE));
    expect(await page.title()).toBe(HOSTILE);
    expect(await page.locator('h1').textContent()).toBe(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#icicle .box').allTextContents()).toContain(`[${HOSTILE}]`);
    expect(problems).toEqual([]);
  });

  test('without JavaScript the summary and the tables are there', async () => {
    const path = await reportOf(STACKS);
    const plain = join(folder, 'plain.html');
    writeFileSync(
      plain,
      readFileSync(path, 'utf8').replace(/script-src [^;]*/, "script-src 'none'"),
    );
    const { page } = await open(plain);
    expect(await page.locator('#summary .tile').count()).toBeGreaterThan(4);
    expect(await page.locator('#caches-table tbody tr').count()).toBeGreaterThan(10);
    expect(await page.locator('#sizes svg').count()).toBeGreaterThan(0);
    expect(await page.locator('#icicle .box').count()).toBe(0);
  });

  test('compare --html: what grew is red and as wide as it grew', async () => {
    const csv = (name: string, objects: number): string => {
      const rows = Array.from({ length: objects + 10 }, (_, i) => [
        `0.${100000 + i}`,
        0,
        1,
        'kmalloc',
        `0x${(0xffff888100000000n + 4096n * BigInt(i)).toString(16)}`,
        i < 10 ? 'steady+0x1' : 'grower+0x1',
        4000,
        4096,
      ]);
      const path = join(folder, name);
      writeFileSync(
        path,
        `ts,cpu,pid,event,ptr,call_site,bytes_req,bytes_alloc\n${rows.map((row) => row.join()).join('\n')}\n`,
      );
      return path;
    };
    const path = join(folder, 'compared.html');
    await outputOf([
      'compare',
      csv('base.csv', 5),
      '--to',
      csv('new.csv', 25),
      '--html',
      path,
      '-q',
    ]);
    const { page, problems } = await open(path);
    expect(await page.locator('#summary strong').textContent()).toContain('1 call site');
    const boxes = page.locator('#icicle .box');
    expect(await boxes.allTextContents()).toEqual(['all', 'grower', '[kmalloc-4k]']);
    expect(await page.locator('#icicle .info').textContent()).toBe(
      'all: live bytes 60 KB in base, 140 KB in new, +80 KB',
    );
    await page.locator('#icicle select').nth(2).selectOption('new');
    expect(await boxes.allTextContents()).toContain('steady');
    expect(problems).toEqual([]);
  });
});
