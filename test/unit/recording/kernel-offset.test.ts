import { expect, test } from 'vitest';
import { SymbolTable } from '../../../src/kernel/symbols/symbols.ts';
import { statedKernelOffset } from '../../../src/recording/kernel-offset.ts';
import { madeSidecars } from '../../helpers/made-sidecars.ts';

const linked = new SymbolTable(Buffer.from('ffffffff81000000 T _text\n'));
const stated = (files: Record<string, string>): bigint | undefined =>
  statedKernelOffset(madeSidecars(files), linked)?.offset;

test('nokaslr on the command line', () => {
  expect(stated({ 'cmdline.txt': 'root=/dev/sda1 nokaslr quiet\n' })).toBe(0n);
  expect(stated({ 'cmdline.txt': 'root=/dev/sda1 xnokaslr=1\n' })).toBeUndefined();
});

test('the line of a panic in the log, the last one', () => {
  const line = (text: string): string => `[   12.5] Kernel Offset: ${text}\n`;
  const range = 'from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)';
  expect(stated({ 'dmesg.txt': line(`0x36c00000 ${range}`) })).toBe(0x36c00000n);
  expect(stated({ 'dmesg.txt': line('disabled') })).toBe(0n);
  expect(stated({ 'dmesg.txt': line('disabled') + line(`0x200000 ${range}`) })).toBe(0x200000n);
  expect(stated({ 'dmesg.txt': '[    0.0] Linux version 6.1\n' })).toBeUndefined();
});

test('where perf found the kernel, in steps of KASLR only', () => {
  expect(stated({ 'kernel_maps.txt': 'ffffffffa3600000 2000000 kernel\n' })).toBe(0x22600000n);
  expect(stated({ 'kernel_maps.txt': 'ffffffffa3601000 2000000 kernel\n' })).toBeUndefined();
  expect(stated({})).toBeUndefined();
});
