import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { OutputError } from '../../../src/base/errors.ts';
import { PartialFile, writeWhole } from '../../../src/base/partial-file.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'slabreplay-partial-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('has its name only when it is whole, until then one that nobody guesses', () => {
  const at = folder();
  const path = join(at, 'a.txt');
  const names = [1, 2].map(() => {
    const file = new PartialFile(path, false);
    const [name = ''] = readdirSync(at);
    file.write('half');
    file.abandon();
    return name;
  });
  expect(names[0]).toMatch(/^a\.txt\.partial-[0-9a-f]{16}$/);
  expect(names[1]).not.toBe(names[0]);
  expect(readdirSync(at)).toEqual([]);
});

test('what was there stays until the new one is whole, and keeps its rights', () => {
  const path = join(folder(), 'a.txt');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  const file = new PartialFile(path, true);
  file.write('ne');
  expect(readFileSync(path, 'utf8')).toBe('old');
  file.write('w');
  file.finish();
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('is not overwritten unasked, also where it came while the new one was made', () => {
  const at = folder();
  const path = join(at, 'a.txt');
  const file = new PartialFile(path, false);
  writeFileSync(path, 'mine');
  expect(() => new PartialFile(path, false)).toThrow(`${path}: exists already`);
  expect(() => file.finish()).toThrow(`${path}: exists by now`);
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(readdirSync(at)).toEqual(['a.txt']);
});

test('two that write at a time: the last one stays, whole', () => {
  const at = folder();
  const path = join(at, 'a.txt');
  const [first, second] = [new PartialFile(path, true), new PartialFile(path, true)];
  first.write('first, and longer');
  second.write('second');
  first.finish();
  second.finish();
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(readdirSync(at)).toEqual(['a.txt']);
});

test('a link stays one: what it names is replaced', () => {
  const at = folder();
  const [path, link] = [join(at, 'a.txt'), join(at, 'link')];
  writeFileSync(path, 'old');
  symlinkSync('a.txt', link);
  writeWhole(link, 'new', true);
  expect(readlinkSync(link)).toBe('a.txt');
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test('a device is written to, never replaced', () => {
  const file = new PartialFile('/dev/null', false);
  file.write('gone');
  file.finish();
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  expect(file.isFile).toBe(false);
});

test.skipIf(!existsSync('/dev/full'))('a full device', () => {
  const file = new PartialFile('/dev/full', false);
  expect(() => file.write('x')).toThrow('/dev/full: cannot be written: ');
  expect(existsSync('/dev/full')).toBe(true);
});

test.each<[string, (at: string) => string]>([
  ['is a directory', (at) => at],
  ['cannot be made', (at) => join(at, 'no', 'a.txt')],
])('%s', (what, pathIn) => {
  const at = folder();
  mkdirSync(join(at, 'sub'));
  expect(() => writeWhole(pathIn(at), 'x', true)).toThrow(OutputError);
  expect(() => writeWhole(pathIn(at), 'x', true)).toThrow(what);
  expect(readdirSync(at)).toEqual(['sub']);
});
