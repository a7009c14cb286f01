import { expect, test } from 'vitest';
import { nonSlabAddresses } from '../../../../src/kernel/machine/non-slab-addresses.ts';

const VMALLOCINFO = `0xffffb0c500000000-0xffffb0c500005000   20480 irq_init_percpu_irqstack+0x15d/0x220 vmap
0xffffb0c500008000-0xffffb0c50000b000   12288 acpi_os_map_iomem+0x220/0x2d0 ioremap
`;

test('addresses that can be no slab memory', () => {
  const { placeOf } = nonSlabAddresses(VMALLOCINFO);
  const slabHi = 0xffff8bf7;
  expect(placeOf(0xffffffff, 0x81000000, slabHi)).toBe('the kernel image and its modules');
  expect(placeOf(0x7fff, 0x12345678, slabHi)).toBe('user space');
  expect(placeOf(0xffffb0c5, 0x0, slabHi)).toBe('vmalloc memory');
  // Between two areas, and the first byte behind the last.
  expect(placeOf(0xffffb0c5, 0x6000, slabHi)).toBe('vmalloc memory');
  expect(placeOf(0xffffb0c5, 0xb000, slabHi)).toBeUndefined();
  expect(placeOf(0xffff8bf7, 0xa5bd4940, slabHi)).toBeUndefined();
});

test('low addresses are the kernel’s own on some machines', () => {
  const { placeOf } = nonSlabAddresses(undefined);
  expect(placeOf(0, 0xc1234560, 0)).toBeUndefined();
  expect(placeOf(0, 0xc1234560, 0x1)).toBeUndefined();
});
