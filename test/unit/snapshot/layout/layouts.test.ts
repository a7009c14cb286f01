// Structure layouts from BTF, from pahole's text, and from the built-in table.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TraceFormatError } from '../../../../src/base/errors.ts';
import { VmcoreInfo } from '../../../../src/snapshot/kernel/vmcoreinfo.ts';
import { BtfLayout } from '../../../../src/snapshot/layout/btf.ts';
import { readElfSection } from '../../../../src/snapshot/layout/elf-section.ts';
import { KNOWN_LAYOUTS, knownLayout } from '../../../../src/snapshot/layout/known-layouts.ts';
import { PaholeLayout } from '../../../../src/snapshot/layout/pahole-text.ts';
import { readBtfFile } from '../../../../src/snapshot/layout/read-layout.ts';
import { firstOf } from '../../../../src/snapshot/layout/struct-layout.ts';
import { describeWithData, recording } from '../../../helpers/data.ts';
import { tempFile } from '../../../helpers/image-builders.ts';

/** Writes BTF: types are numbered from 1 in the order of the calls. */
class BtfBuilder {
  private readonly types: Buffer[] = [];
  private strings = '\0';

  type(
    name: string,
    kind: number,
    vlen: number,
    size: number,
    extra: number[] = [],
    flag = 0,
  ): void {
    const words = [this.string(name), (flag << 31) | (kind << 24) | vlen, size, ...extra];
    const bytes = Buffer.alloc(words.length * 4);
    for (const [i, word] of words.entries()) bytes.writeUInt32LE(word >>> 0, i * 4);
    this.types.push(bytes);
  }

  struct(
    name: string,
    size: number,
    members: [string, number, number][],
    kind = 4,
    flag = 0,
  ): void {
    const extra = members.flatMap(([m, type, bits]) => [this.string(m), type, bits]);
    this.type(name, kind, members.length, size, extra, flag);
  }

  build(): Buffer {
    const types = Buffer.concat(this.types);
    const strings = Buffer.from(this.strings, 'latin1');
    const head = Buffer.alloc(24);
    head.writeUInt16LE(0xeb9f, 0);
    head[2] = 1;
    head.writeUInt32LE(24, 4);
    head.writeUInt32LE(types.length, 12);
    head.writeUInt32LE(types.length, 16);
    head.writeUInt32LE(strings.length, 20);
    return Buffer.concat([head, types, strings]);
  }

  private string(text: string): number {
    if (text === '') return 0;
    const at = this.strings.length;
    this.strings += `${text}\0`;
    return at;
  }
}

/**
 * struct list_head { struct list_head *next, *prev; };
 * struct node {
 *   u32 id;                                   // a typedef of unsigned int
 *   union { struct list_head list; struct { u64 a; u32 b:4, c:28; }; };
 *   struct list_head named;
 *   char comm[16];
 * };
 */
function nodeBtf(): Buffer {
  const btf = new BtfBuilder();
  btf.type('unsigned int', 1, 0, 4, [32]); // 1
  btf.type('u32', 8, 0, 1); // 2: typedef
  btf.type('', 2, 0, 4); // 3: pointer to list_head
  btf.struct('list_head', 16, [
    ['next', 3, 0],
    ['prev', 3, 64],
  ]); // 4
  btf.type('u64', 1, 0, 8, [64]); // 5
  // kind_flag: the top byte of the offset is the size of a bit field.
  btf.struct(
    '',
    16,
    [
      ['a', 5, 0],
      ['b', 1, (4 << 24) | 64],
      ['c', 1, (28 << 24) | 68],
    ],
    4,
    1,
  ); // 6
  btf.struct(
    '',
    16,
    [
      ['list', 4, 0],
      ['', 6, 0],
    ],
    5,
  ); // 7: union
  btf.type('char', 1, 0, 1, [8]); // 8
  btf.type('', 3, 0, 0, [8, 1, 16]); // 9: char[16]
  btf.struct('node', 56, [
    ['id', 2, 0],
    ['', 7, 64],
    ['named', 4, 192],
    ['comm', 9, 320],
  ]); // 10
  btf.type('nothing', 7, 0, 0); // 11: forward
  btf.type('colour', 6, 2, 4, [0, 0, 0, 1]); // 12: enum of two
  btf.struct('behind', 4, [['x', 1, 0]]); // 13
  return btf.build();
}

describe('BTF', () => {
  const layout = new BtfLayout(nodeBtf(), 'a test');

  test.each<[string, string, number, number]>([
    ['node', 'id', 0, 4],
    ['node', 'list', 8, 16],
    ['node', 'a', 8, 8],
    ['node', 'b', 16, 4],
    ['node', 'c', 16, 4],
    ['node', 'named', 24, 16],
    ['node', 'named.prev', 32, 8],
    ['node', 'list.prev', 16, 8],
    ['node', 'comm', 40, 16],
    ['behind', 'x', 0, 4],
  ])('%s.%s', (struct, field, offset, size) => {
    expect(layout.field(struct, field)).toEqual({ offset, size });
  });

  test('sizes, and what is not there', () => {
    expect(layout.sizeOf('node')).toBe(56);
    expect(layout.sizeOf('list_head')).toBe(16);
    expect(layout.sizeOf('nothing')).toBeUndefined();
    expect(layout.field('node', 'id.x')).toBeUndefined();
    expect(layout.field('node', 'absent')).toBeUndefined();
    expect(layout.field('absent', 'id')).toBeUndefined();
  });

  test('structures inside each other in a circle end', () => {
    const btf = new BtfBuilder();
    btf.struct('a', 8, [['', 2, 0]]);
    btf.struct('b', 8, [
      ['', 1, 0],
      ['', 1, 0],
    ]);
    btf.type('t', 8, 0, 3);
    btf.struct('c', 8, [['x', 3, 0]]);
    const circle = new BtfLayout(btf.build(), 'a test');
    expect(circle.field('a', 'absent')).toBeUndefined();
    expect(circle.field('c', 'x')).toEqual({ offset: 0, size: 0 });
  });

  test.each([24, 30, 40, 200])('cut off after %d bytes it is an error', (length) => {
    expect(() => new BtfLayout(nodeBtf().subarray(0, length), 'x')).toThrow(TraceFormatError);
  });

  test('a kind that is not known is an error, for what follows cannot be found', () => {
    const btf = new BtfBuilder();
    btf.type('x', 25, 0, 0);
    expect(() => new BtfLayout(btf.build(), 'x')).toThrow(/damaged at type 1/);
  });

  test('out of a file, plain or as the section of a vmlinux', async () => {
    const plain = await readBtfFile(tempFile(nodeBtf(), 'btf'));
    expect(plain.sizeOf('node')).toBe(56);
    const vmlinux = await readBtfFile(tempFile(elfWithSection('.BTF', nodeBtf()), 'vmlinux'));
    expect(vmlinux.field('node', 'named')).toEqual({ offset: 24, size: 16 });
    const other = tempFile(elfWithSection('.text', nodeBtf()), 'vmlinux');
    await expect(readBtfFile(other)).rejects.toThrow(/neither BTF nor/);
  });
});

/** An ELF file: header, the section, its name's section, the table of the two. */
function elfWithSection(name: string, bytes: Buffer): Buffer {
  const names = Buffer.from(`\0${name}\0`, 'latin1');
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const table = 64 + bytes.length + names.length;
  head.writeBigUInt64LE(BigInt(table), 40);
  head.writeUInt16LE(2, 60);
  head.writeUInt16LE(1, 62);
  const headers = Buffer.alloc(128);
  const header = (i: number, nameAt: number, offset: number, size: number): void => {
    headers.writeUInt32LE(nameAt, i * 64);
    headers.writeBigUInt64LE(BigInt(offset), i * 64 + 24);
    headers.writeBigUInt64LE(BigInt(size), i * 64 + 32);
  };
  header(0, 1, 64, bytes.length);
  header(1, 0, 64 + bytes.length, names.length);
  return Buffer.concat([head, bytes, names, headers]);
}

test('an ELF file that is cut off has no sections', () => {
  const whole = elfWithSection('.BTF', nodeBtf());
  for (const length of [0, 30, 64, whole.length - 10]) {
    const bytes = whole.subarray(0, length);
    const source = {
      size: bytes.length,
      slice: (at: number, n: number) => bytes.subarray(at, at + n),
    };
    expect(readElfSection(source, '.BTF')).toBeUndefined();
  }
});

describe('pahole text', () => {
  const layout = new PaholeLayout(
    [
      'struct slab {',
      '\tlong unsigned int          __page_flags;         /*     0     8 */',
      '',
      '\t/* XXX 4 bytes hole, try to pack */',
      '',
      '\tunion {',
      '\t\tstruct list_head   slab_list;            /*     8    16 */',
      '\t\tstruct {',
      '\t\t\tstruct slab * next;              /*     8     8 */',
      '\t\t\tint        slabs;                /*    16     4 */',
      '\t\t};                                       /*     8    16 */',
      '\t};                                               /*     8    16 */',
      '\tstruct {',
      '\t\tint                first;                /*    24     4 */',
      '\t} inner[2];                                      /*    24     8 */',
      '\tvoid                       (*ctor)(void *);      /*    32     8 */',
      '\tunsigned int               inuse:16;             /*    40: 0  4 */',
      '\tunsigned int               stat[26];             /*    44   104 */',
      '\tstruct freelist_counters ;                       /*   152    16 */',
      '',
      '\t/* size: 168, cachelines: 3, members: 7 */',
      '};',
      'struct freelist_counters {',
      '\tvoid *     freelist;             /*     0     8 */',
      '\tlong unsigned int counters;      /*     8     8 */',
      '',
      '\t/* size: 16, cachelines: 1, members: 2 */',
      '} __attribute__((__aligned__(16)));',
      '',
    ].join('\n'),
  );

  test.each<[string, number, number]>([
    ['__page_flags', 0, 8],
    ['slab_list', 8, 16],
    ['next', 8, 8],
    ['slabs', 16, 4],
    ['inner', 24, 8],
    ['inner.first', 24, 4],
    ['ctor', 32, 8],
    ['inuse', 40, 4],
    ['stat', 44, 104],
    ['freelist', 152, 8],
    ['counters', 160, 8],
  ])('slab.%s', (field, offset, size) => {
    expect(layout.field('slab', field)).toEqual({ offset, size });
  });

  test('sizes, and what is not there', () => {
    expect(layout.sizeOf('slab')).toBe(168);
    expect(layout.sizeOf('freelist_counters')).toBe(16);
    expect(layout.field('slab', 'first')).toBeUndefined();
    expect(layout.field('page', 'flags')).toBeUndefined();
    expect(new PaholeLayout('nothing of that\n').isEmpty).toBe(true);
  });
});

test('of several layouts the first that knows a structure answers for all of it', () => {
  const a = new PaholeLayout('struct x {\n\tint a; /* 0 4 */\n\t/* size: 4, c */\n};\n', 'A');
  const b = new PaholeLayout(
    'struct x {\n\tint b; /* 8 4 */\n\t/* size: 12, c */\n};\nstruct y {\n\t/* size: 1, c */\n};\n',
    'B',
  );
  const both = firstOf([a, b]);
  expect(both?.source).toBe('A, then B');
  expect(both?.sizeOf('x')).toBe(4);
  expect(both?.field('x', 'b')).toBeUndefined();
  expect(both?.sizeOf('y')).toBe(1);
  expect(firstOf([])).toBeUndefined();
});

test('VMCOREINFO: every kind of line', () => {
  const info = new VmcoreInfo(
    'OSRELEASE=6.1.0\nSYMBOL(_stext)=ffffffffb7c00000\nNUMBER(phys_base)=-838860800\n' +
      'NUMBER(VMALLOC_START)=0xffffc90000000000\nOFFSET(page.flags)=0\nSIZE(page)=64\n' +
      'KERNELOFFSET=36c00000\nNUMBER(bad)=12x\nSIZE(bad)=-1\nno equals sign\n',
  );
  expect(info.isUsable).toBe(true);
  expect(info.symbol('_stext')).toBe(0xffffffffb7c00000n);
  expect(info.number('phys_base')).toBe(-838860800n);
  expect(info.number('VMALLOC_START')).toBe(0xffffc90000000000n);
  expect(info.offset('page', 'flags')).toBe(0);
  expect(info.size('page')).toBe(64);
  expect(info.kernelOffset).toBe(0x36c00000n);
  expect(info.number('bad')).toBeUndefined();
  expect(info.size('bad')).toBeUndefined();
  expect(new VmcoreInfo('').isUsable).toBe(false);
});

const RECORDED: Readonly<Record<string, string>> = {
  'debian-plain-510': '5.10.0-46-amd64',
  'debian-plain': '6.1.0-56-amd64',
  'debian-plain-612': '6.12.117+deb12-amd64',
  'debian-plain-618': '6.18.15+deb13-amd64',
  'debian-plain-7x': '7.2.13+deb14-amd64',
};

for (const [name, release] of Object.entries(RECORDED)) {
  describeWithData(name, 'the built-in layout is what pahole printed of that kernel', () => {
    test(release, () => {
      const uname = readFileSync(recording(name, 'uname.txt'), 'latin1');
      expect(uname.split(' ')[2]).toBe(release);
      const pahole = readFileSync(recording(name, 'struct-offsets.txt'), 'latin1');
      const text = KNOWN_LAYOUTS[release] ?? '';
      const layout = knownLayout(release);
      let compared = 0;
      for (const struct of text.trim().split(/\n(?=\w)/)) {
        const structName = /^\w+/.exec(struct)?.[0] ?? '';
        const lines = pahole.slice(pahole.indexOf(`\nstruct ${structName} {\n`.slice(1)));
        const body = lines.slice(0, lines.indexOf('\n}'));
        expect(layout?.sizeOf(structName)).toBe(Number(/size: (\d+),/.exec(body)?.[1]));
        for (const [, field = ''] of struct.matchAll(/[:,]\s+(\w+) \d+ \d+/g)) {
          // `name;  /* offset size */`; an embedded freelist_counters of 7.2 has its own entry.
          const line = new RegExp(
            `[ *]${field}(?:\\[\\d*\\])?(?:\\)\\(void \\*\\))?; +/\\* +(\\d+)`,
          );
          const own = line.exec(body)?.[1];
          if (own === undefined) expect(['freelist', 'counters']).toContain(field);
          else
            expect([field, layout?.field(structName, field)?.offset]).toEqual([field, Number(own)]);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(25);
    });
  });
}

test('7.2 has freelist and counters in an unnamed struct freelist_counters at 32', () => {
  const layout = knownLayout('7.2.13+deb14-amd64');
  expect(layout?.field('slab', 'freelist')).toEqual({ offset: 32, size: 8 });
  expect(layout?.field('slab', 'counters')).toEqual({ offset: 40, size: 8 });
});

test('a release that was not recorded has no built-in layout', () => {
  expect(knownLayout('6.1.0-57-amd64')).toBeUndefined();
  expect(knownLayout(undefined)).toBeUndefined();
});
