import { expect, test } from 'vitest';
import { ModuleMap } from '../../../../src/kernel/symbols/module-map.ts';

test('an address is found in the range that holds it', () => {
  const map = new ModuleMap();
  map.add('[kernel.kallsyms]_text', 0xffffffff, 0xa4600000, 0xe01d32);
  map.add('[virtio_ring]', 0xffffffff, 0xc056b000, 0xc000);
  expect(map.find(0xffffffff, 0xa4600000)?.name).toBe('kernel');
  expect(map.find(0xffffffff, 0xa4600000 + 0xe01d31)?.name).toBe('kernel');
  expect(map.find(0xffffffff, 0xa4600000 + 0xe01d32)).toBeUndefined();
  expect(map.find(0xffffffff, 0xc056afff)).toBeUndefined();
  expect(map.find(0xfffffffe, 0xc056b000)).toBeUndefined();
  expect(map.find(0xffffffff, 0xc056b000)).toEqual({
    name: 'virtio_ring',
    start: 0xffffffffc056b000n,
    size: 0xc000,
    buildId: undefined,
  });
});

test('a module that was loaded anew stands at its last place', () => {
  const map = new ModuleMap();
  map.add('[a]', 0xffffffff, 0xc0000000, 0x2000);
  map.add('[b]', 0xffffffff, 0xc0001000, 0x2000);
  expect(map.find(0xffffffff, 0xc0001800)?.name).toBe('b');
  expect(map.find(0xffffffff, 0xc0000800)?.name).toBe('a');
});

test('files and brackets name the same module', () => {
  const map = new ModuleMap();
  map.add('/lib/modules/6.1.0/kernel/drivers/virtio/virtio-ring.ko.xz', 0xffffffff, 0xc0000000, 16);
  map.setBuildId('[virtio_ring]', 'ab12');
  expect(map.ranges()).toEqual([
    { name: 'virtio_ring', start: 0xffffffffc0000000n, size: 16, buildId: 'ab12' },
  ]);
});

test('the text is one line a range, by address, and is read back', () => {
  const map = new ModuleMap();
  map.add('[virtio_ring]', 0xffffffff, 0xc056b000, 0xc000);
  map.add('[kernel.kallsyms]_text', 0xffffffff, 0xa4600000, 0xe01d32);
  map.setBuildId('[kernel.kallsyms]', 'eb4fbcd0');
  const text = 'ffffffffa4600000 e01d32 kernel eb4fbcd0\nffffffffc056b000 c000 virtio_ring\n';
  expect(map.toText()).toBe(text);
  expect(ModuleMap.parse(`# a comment\n${text}`).toText()).toBe(text);
});

test('/proc/modules tells where modules lie, if it shows addresses', () => {
  const map = ModuleMap.parseModules(
    'e1000 20480 1 - Live 0xffffffffc041e000\n' +
      'fscache 380928 2 9p,netfs, Live 0xffffffffc03c0000 (E)\n' +
      'hidden 4096 0 - Live 0x0000000000000000\n',
  );
  expect(map.ranges().map(({ name, start, size }) => [name, start, size])).toEqual([
    ['fscache', 0xffffffffc03c0000n, 380928],
    ['e1000', 0xffffffffc041e000n, 20480],
  ]);
});

test('where the kernel itself begins', () => {
  expect(ModuleMap.parse('ffffffffa3600000 2000000 kernel\n').startOfKernel()).toBe(
    0xffffffffa3600000n,
  );
  expect(ModuleMap.parse('ffffffffc0000000 1000 e1000\n').startOfKernel()).toBeUndefined();
});
