import { expect, test } from 'vitest';
import { KnownTexts, MAX_TEXT_BYTES, MAX_TEXTS } from '../../../../src/ingest/csv/known-texts.ts';

/** Texts that count how often each was read. */
class Rig {
  reads = 0;
  private readonly texts = new KnownTexts((text) => {
    this.reads++;
    return Number(text.trim());
  });

  get(text: string): number {
    return this.texts.get(Buffer.from(text), 0, Buffer.byteLength(text));
  }
}

test('each text is read once', () => {
  const rig = new Rig();
  expect([rig.get('7'), rig.get('8'), rig.get('7'), rig.get(''), rig.get('')]).toEqual([
    7, 8, 7, 0, 0,
  ]);
  expect(rig.reads).toBe(3);
});

test('too many texts are forgotten, and read again', () => {
  const rig = new Rig();
  let wrong = 0;
  for (let i = 0; i < MAX_TEXTS + 10; i++) if (rig.get(`${i}`) !== i) wrong++;
  expect(wrong).toBe(0);
  expect(rig.get('1')).toBe(1);
  expect(rig.reads).toBe(MAX_TEXTS + 11);
});

test('and so are too many bytes', () => {
  const rig = new Rig();
  const blanks = ' '.repeat(1 << 20);
  const count = MAX_TEXT_BYTES / (1 << 20) + 1;
  for (let i = 0; i < count; i++) expect(rig.get(blanks + i)).toBe(i);
  expect(rig.get(`${blanks}1`)).toBe(1);
  expect(rig.reads).toBe(count + 1);
});
