// The kernel's vmalloc areas: from its list of vmap_area in the image (vmap_area_list up to 6.8,
// vmap_nodes from 6.9 on; mm/vmalloc.c), else from vmallocinfo.txt:
// `0xffffc90000045000-0xffffc90000047000    8192 kmemleak_test_init+0x9b/0x1000 pages=1 vmalloc N0=1`

import { wrap64 } from '../../base/address.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { walkList } from '../kernel/kernel-list.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { MissingField, offsetOf, sizeOf } from '../layout/struct-layout.ts';

export interface VmallocArea {
  readonly addr: bigint;
  /** Without its guard page. */
  readonly bytes: number;
  /** True for memory that vmalloc() allocated page by page: no ioremap, vmap or per-CPU area. */
  readonly isVmalloc: boolean;
  /** Addresses of its vm_struct and vmap_area, 0 where they are not known. */
  readonly vmStruct: bigint;
  readonly vmapArea: bigint;
  /** vm_struct.caller, 0 where it is not known. */
  readonly caller: bigint;
}

const VM_ALLOC = 2;
const VM_NO_GUARD = 0x40;
const PAGE = 4096;
const MAX_AREAS = 4 * 1024 * 1024;
const MAX_NODES = 1024;
/** vmalloc areas are in this half; what a damaged list gives may be anything. */
const KERNEL_HALF = 0xff00000000000000n;
const MAX_BYTES = 2 ** 46;

/** @returns undefined where the image does not show them */
export function readVmallocAreas(kernel: KernelImage): VmallocArea[] | undefined {
  const { reader, layout, findings } = kernel;
  if (layout === undefined) return undefined;
  try {
    const heads = listHeads(kernel);
    if (heads === undefined) return undefined;
    const at: AreaOffsets = {
      list: BigInt(offsetOf(layout, 'vmap_area', 'list')),
      vm: BigInt(offsetOf(layout, 'vmap_area', 'vm')),
      addr: BigInt(offsetOf(layout, 'vm_struct', 'addr')),
      size: BigInt(offsetOf(layout, 'vm_struct', 'size')),
      flags: BigInt(offsetOf(layout, 'vm_struct', 'flags')),
      pages: BigInt(offsetOf(layout, 'vm_struct', 'nr_pages')),
      caller: BigInt(offsetOf(layout, 'vm_struct', 'caller')),
    };
    const areas: VmallocArea[] = [];
    for (const head of heads) {
      for (const node of walkList(reader, head, 'vmalloc areas', findings)) {
        if (areas.length === MAX_AREAS) return areas;
        const area = readArea(kernel, wrap64(node - at.list), at);
        if (area !== undefined) areas.push(area);
      }
    }
    return areas;
  } catch (error) {
    if (error instanceof MissingField || error instanceof MissingMemory) return undefined;
    throw error;
  }
}

/** Offsets of fields in a vmap_area (the first two) and a vm_struct. */
type AreaOffsets = Readonly<
  Record<'list' | 'vm' | 'addr' | 'size' | 'flags' | 'pages' | 'caller', bigint>
>;

/** One area; undefined where it has no vm_struct, or one that is not in memory or damaged. */
function readArea(
  { reader, findings }: KernelImage,
  vmapArea: bigint,
  at: AreaOffsets,
): VmallocArea | undefined {
  try {
    const vmStruct = reader.u64(vmapArea + at.vm);
    if (vmStruct === 0n) return undefined; // vm_map_ram() has none
    const flags = Number(reader.u64(vmStruct + at.flags) & 0xffffffffn);
    const addr = reader.u64(vmStruct + at.addr);
    const guard = (flags & VM_NO_GUARD) === 0 ? PAGE : 0;
    const bytes = Number(reader.u64(vmStruct + at.size)) - guard;
    if (addr < KERNEL_HALF || bytes <= 0 || bytes > MAX_BYTES) {
      findings.add('list_unreadable', `vm_struct 0x${vmStruct.toString(16)}`);
      return undefined;
    }
    const pages = reader.u32(vmStruct + at.pages);
    const caller = reader.u64(vmStruct + at.caller);
    const isVmalloc = (flags & VM_ALLOC) !== 0 && pages > 0;
    return { addr, bytes, isVmalloc, vmStruct, vmapArea, caller };
  } catch (error) {
    if (!(error instanceof MissingMemory)) throw error;
    findings.add('list_unreadable', () => `vmalloc areas: ${error.message}`);
    return undefined;
  }
}

/** The lists of areas in use. */
function listHeads({ reader, symbols, layout }: KernelImage): bigint[] | undefined {
  const single = symbols.addressOf('vmap_area_list');
  if (single !== undefined) return [single];
  const variable = symbols.addressOf('vmap_nodes');
  const number = symbols.addressOf('nr_vmap_nodes');
  if (variable === undefined || number === undefined || layout === undefined) return undefined;
  const nodes = reader.u64(variable);
  const count = Math.min(MAX_NODES, reader.u32(number));
  const stride = BigInt(sizeOf(layout, 'vmap_node'));
  const busy = offsetOf(layout, 'vmap_node', 'busy');
  const head = BigInt(busy + offsetOf(layout, 'rb_list', 'head'));
  return Array.from({ length: count }, (_, i) => nodes + BigInt(i) * stride + head);
}

/** /proc/vmallocinfo, where the image does not show the areas. */
export function parseVmallocinfo(text: string): VmallocArea[] {
  const areas: VmallocArea[] = [];
  const line = /^0x([0-9a-f]{8,16})-0x([0-9a-f]{8,16})\s+(\d+)(.*)$/gm;
  for (const [, from = '0', , size = '0', rest = ''] of text.matchAll(line)) {
    areas.push({
      addr: BigInt(`0x${from}`),
      bytes: Number(size) - PAGE,
      isVmalloc: / pages=\d+/.test(rest) && / vmalloc\b/.test(rest),
      vmStruct: 0n,
      vmapArea: 0n,
      caller: 0n,
    });
    if (areas.length === MAX_AREAS) break;
  }
  return areas.filter((a) => a.bytes > 0 && a.addr >= KERNEL_HALF);
}
