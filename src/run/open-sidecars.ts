// The sidecars of a source, for commands that read no events.

import { findSource, type SidecarChoice, sidecarFolders } from '../recording/find-source.ts';
import { FolderSidecars } from '../recording/sidecar-files.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';

/** Those of a run database are what it took in. */
export async function openSidecars(options: {
  readonly source: string;
  readonly sidecars?: SidecarChoice;
}): Promise<SidecarFiles> {
  const found = findSource(options.source);
  if (found.kind === 'database') {
    const { StoredSidecars } = await import('../store/stored-sidecars.ts');
    return new StoredSidecars(found.path);
  }
  return new FolderSidecars(sidecarFolders(options.sidecars, found.folder));
}
