// How far KASLR moved the kernel, as the memory snapshot beside the events tells it (VMCOREINFO).

import { ToolError } from '../base/errors.ts';
import type { KernelOffset } from '../recording/kernel-offset.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { VmcoreInfo } from '../snapshot/kernel/vmcoreinfo.ts';
import { openSnapshot } from '../snapshot/memory/open-snapshot.ts';
import { findVmcore, type VmcoreOptions } from './open-vmcore.ts';

/** Where the run comes from. */
export type SnapshotSource = Omit<VmcoreOptions, 'vmcore'>;

/** KERNELOFFSET of the snapshot beside the events; undefined where there is none that tells it. */
export async function offsetOfSnapshot(
  from: SnapshotSource,
  sidecars: SidecarFiles,
): Promise<KernelOffset | undefined> {
  try {
    const found = await findVmcore(from);
    if (found === undefined || 'gone' in found) return undefined;
    const { path } = found;
    const iomem = sidecars.text('iomem.txt');
    const snapshot = await openSnapshot(path, {
      ...(from.tmp === undefined ? {} : { tmp: from.tmp }),
      ...(iomem === undefined ? {} : { iomem }),
    });
    const text = snapshot.kind === 'physical' ? snapshot.notes.vmcoreinfo : undefined;
    snapshot.close();
    const offset = text === undefined ? undefined : new VmcoreInfo(text).kernelOffset;
    return offset === undefined ? undefined : { offset, source: 'the snapshot' };
  } catch (error) {
    // Several snapshots, or one that cannot be read: the commands that need it say so.
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}
