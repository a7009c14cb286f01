import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../src/base/errors.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';
import {
  cacheDebugFlags,
  defaultSlubDebug,
  parseSlubDebug,
  readSlubDebug,
  unmatchedNames,
} from '../../../../src/kernel/slub/slub-debug-option.ts';
import { slubDebugLetters } from '../../../helpers/slub-debug-letters.ts';

/** The letters that a cache gets. */
function lettersFor(option: string, name: string, flags = 0): string {
  return slubDebugLetters(cacheDebugFlags(readSlubDebug(option), flags, name));
}

describe('letters', () => {
  test.each([
    ['', 'FZPU'],
    ['FZPU', 'FZPU'],
    ['fzpu', 'FZPU'],
    ['Z', 'Z'],
    ['TA', 'TA'],
    ['UPZF', 'FZPU'],
    ['-', '-'],
    ['FZ-', '-'],
    ['FZ-P', 'P'],
    ['FO', 'F'],
    ['FX', 'F'],
    [';', '-'],
  ])('slub_debug=%s gives every cache %s', (option, letters) => {
    expect(lettersFor(option, 'dentry')).toBe(letters);
  });

  test('O is an order, not a flag', () => {
    expect(readSlubDebug('FZPUO').noHigherOrder).toBe(true);
    expect(readSlubDebug('FZ,kmalloc-*;o').noHigherOrder).toBe(true);
    expect(readSlubDebug('FZPU').noHigherOrder).toBe(false);
  });

  test('a kernel skips unknown letters, a user is told of them with the list', () => {
    expect(readSlubDebug('FXQ').unknown).toEqual(['X', 'Q']);
    expect(() => parseSlubDebug('FXQ')).toThrow(UsageError);
    expect(() => parseSlubDebug('FXQ')).toThrow("--slub-debug FXQ: no such letter: 'X', 'Q'");
    try {
      parseSlubDebug('FZ,dentry;Y');
      expect.unreachable();
    } catch (error) {
      expect((error as UsageError).hint).toMatch(
        /^Letters: F sanity checks, Z red zones, P poison, U .*, T trace, A failslab, O .*, - nothing\./,
      );
    }
    expect(parseSlubDebug('FZPUTAO-').unknown).toEqual([]);
  });
});

describe('names', () => {
  test('a list leaves all others alone', () => {
    const option = 'FZPU,kmalloc-64,kmalloc-192';
    expect(lettersFor(option, 'kmalloc-64')).toBe('FZPU');
    expect(lettersFor(option, 'kmalloc-192')).toBe('FZPU');
    expect(lettersFor(option, 'kmalloc-6')).toBe('-');
    expect(lettersFor(option, 'kmalloc-641')).toBe('-');
    expect(lettersFor(option, 'kmalloc-1924')).toBe('-');
    expect(lettersFor(option, 'dentry')).toBe('-');
  });

  test('a list without letters means FZPU', () => {
    expect(lettersFor(',dentry', 'dentry')).toBe('FZPU');
    expect(lettersFor(',dentry', 'filp')).toBe('-');
  });

  test('of a glob only what stands before the star counts', () => {
    expect(lettersFor('P,kmalloc-*', 'kmalloc-cg-64')).toBe('P');
    expect(lettersFor('P,kmalloc-*8', 'kmalloc-64')).toBe('P');
    expect(lettersFor('P,kmalloc-*', 'dma-kmalloc-64')).toBe('-');
    expect(lettersFor('P,*', 'dentry')).toBe('P');
  });

  test('blocks: the first that names a cache counts, the global one is not added', () => {
    const option = 'FZ;U,dentry,inode*;P,dentry;T,filp';
    expect(lettersFor(option, 'dentry')).toBe('U');
    expect(lettersFor(option, 'inode_cache')).toBe('U');
    expect(lettersFor(option, 'filp')).toBe('T');
    expect(lettersFor(option, 'kmalloc-8')).toBe('FZ');
  });

  test('a block may take debugging off one cache', () => {
    expect(lettersFor('FZPU;-,dentry', 'dentry')).toBe('-');
    expect(lettersFor('FZPU;-,dentry', 'filp')).toBe('FZPU');
  });

  test('the last block without names is the global one', () => {
    expect(lettersFor('F;Z', 'dentry')).toBe('Z');
    expect(lettersFor('F;;P,filp;', 'dentry')).toBe('F');
  });

  test('surplus semicolons spoil the name before them, as in the kernel', () => {
    expect(lettersFor('P,dentry;F', 'dentry')).toBe('P');
    expect(lettersFor('P,dentry;;F', 'dentry')).toBe('F');
    expect(lettersFor('P,dentry;', 'dentry')).toBe('-');
    expect(lettersFor('P,dent*;', 'dentry')).toBe('P');
    expect(lettersFor(';;P,dentry', 'dentry')).toBe('P');
    // Before a list without letters it reads on: that list belongs to the first block as well.
    expect(lettersFor('P,dentry;,filp', 'dentry')).toBe('-');
    expect(lettersFor('P,dentry;,filp', 'filp')).toBe('P');
  });

  test('empty items name nothing', () => {
    expect(lettersFor('P,', 'dentry')).toBe('-');
    expect(lettersFor('P,,dentry', 'dentry')).toBe('P');
  });

  test('names that match no cache are found', () => {
    const debug = readSlubDebug('P,dentry,foo,kmall*;Z,bar*');
    expect(unmatchedNames(debug, ['dentry', 'kmalloc-64'])).toEqual(['foo', 'bar*']);
  });
});

describe('what the cache itself says', () => {
  test('its own flags stay', () => {
    expect(lettersFor('F', 'a', SLAB.POISON)).toBe('FP');
    expect(lettersFor('-', 'a', SLAB.POISON)).toBe('P');
  });

  test('NOLEAKTRACE keeps global tracks away, not those of a list', () => {
    expect(lettersFor('FZPU', 'kmemleak_object', SLAB.NOLEAKTRACE)).toBe('FZP');
    expect(lettersFor('U,kmemleak_object', 'kmemleak_object', SLAB.NOLEAKTRACE)).toBe('U');
  });

  test('NO_USER_FLAGS keeps everything away', () => {
    expect(lettersFor('FZPU', 'a', SLAB.NO_USER_FLAGS)).toBe('-');
    expect(lettersFor('FZPU,a', 'a', SLAB.NO_USER_FLAGS)).toBe('-');
  });
});

describe('several options and built-in debugging', () => {
  test('a later option without lists replaces the global flags only', () => {
    const both = readSlubDebug('Z', readSlubDebug('P,dentry'));
    expect(cacheDebugFlags(both, 0, 'dentry')).toBe(SLAB.POISON);
    expect(cacheDebugFlags(both, 0, 'filp')).toBe(SLAB.RED_ZONE);
  });

  test('SLUB_DEBUG_ON holds for caches that a list does not name', () => {
    const debug = readSlubDebug('P,dentry', defaultSlubDebug(true));
    expect(slubDebugLetters(cacheDebugFlags(debug, 0, 'filp'))).toBe('FZPU');
    expect(slubDebugLetters(cacheDebugFlags(debug, 0, 'dentry'))).toBe('P');
  });
});
