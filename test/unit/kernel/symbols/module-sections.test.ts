// Initialisation code of modules by address.

import { expect, test } from 'vitest';
import { ModuleSections } from '../../../../src/kernel/symbols/module-sections.ts';

const TEXT = `/sys/module/first/sections/.text=0xffffffffa0000000
/sys/module/first/sections/.init.text=0xffffffffa0005000
/sys/module/first/sections/.init.data=0xffffffffa0006000
/sys/module/second/sections/.text=0xffffffffa0005000
/sys/module/second/sections/.init.text=0x0000000000000000
junk
`;

test('an address in a section’s code, up to the module’s next section', () => {
  const sections = new ModuleSections(TEXT);
  const at = (address: bigint) => sections.initCodeAt(address);
  expect(at(0xffffffffa000502dn)).toEqual([
    { module: 'first', section: '.init.text', offset: 0x2d },
  ]);
  expect(at(0xffffffffa0004fffn)).toEqual([]);
  expect(at(0xffffffffa0006000n)).toEqual([]);
});
