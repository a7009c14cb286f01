import { expect, test } from 'vitest';
import {
  isAtLeast,
  parseRelease,
  releaseFromText,
} from '../../../../src/kernel/machine/kernel-version.ts';

test.each([
  ['6.1.0-56-amd64', { major: 6, minor: 1 }],
  ['5.10.262', { major: 5, minor: 10 }],
  ['7.2-rc1', { major: 7, minor: 2 }],
  ['v6.1', undefined],
  ['', undefined],
  [null, undefined],
])('the release %s', (release, version) => {
  expect(parseRelease(release)).toEqual(version);
});

test('versions are compared by their numbers; an unknown one counts as new', () => {
  const v = { major: 6, minor: 1 };
  expect([isAtLeast(v, 5, 14), isAtLeast(v, 6, 1), isAtLeast(v, 6, 2), isAtLeast(v, 7, 0)]).toEqual(
    [true, true, false, false],
  );
  expect(isAtLeast(undefined, 9, 0)).toBe(true);
});

test.each([
  [
    'Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP',
    '6.1.0-56-amd64',
  ],
  ['Linux lab 6.12.117+deb13-amd64 #1 SMP x86_64 GNU/Linux\n', '6.12.117+deb13-amd64'],
  ['Linux (none) 6.1.0-56-amd64 x86_64', '6.1.0-56-amd64'],
  ['Darwin Kernel Version 20.1', null],
  ['', null],
])('the release in %j', (text, release) => {
  expect(releaseFromText(text)).toBe(release);
});
