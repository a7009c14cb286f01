import { expect, test } from 'vitest';
import { formatPageFlags } from '../../../../src/kernel/checks/page-flags.ts';
import { parseKernelConfig } from '../../../../src/kernel/machine/kernel-config.ts';

const DEBIAN = parseKernelConfig(
  'CONFIG_NR_CPUS=8192\nCONFIG_NODES_SHIFT=10\nCONFIG_NUMA_BALANCING=y\n' +
    'CONFIG_ZONE_DMA=y\nCONFIG_ZONE_DMA32=y\nCONFIG_ZONE_DEVICE=y\n',
);
const SMALL = parseKernelConfig('CONFIG_NR_CPUS=64\nCONFIG_ZONE_DMA=y\nCONFIG_ZONE_DMA32=y\n');
const V61 = { major: 6, minor: 1 };
const V612 = { major: 6, minor: 12 };

// The Slab lines of latent-slub (6.1) and debug-slub-612.
test.each([
  [0xfffffc0000200n, V61, DEBIAN, '0xfffffc0000200(slab|node=0|zone=1|lastcpupid=0x1fffff)'],
  [0xfffffc0010200n, V61, DEBIAN, '0xfffffc0010200(slab|head|node=0|zone=1|lastcpupid=0x1fffff)'],
  [
    0xfffffc0000240n,
    V612,
    DEBIAN,
    '0xfffffc0000240(workingset|head|node=0|zone=1|lastcpupid=0x1fffff)',
  ],
  [0x4000000000000200n, V61, SMALL, '0x4000000000000200(slab|zone=1)'],
  [0x200n, V61, undefined, '0x200(slab)'],
  [0n, V612, undefined, '0x0()'],
])('%#', (flags, version, config, text) => {
  expect(formatPageFlags(flags, version, config)).toBe(text);
});
