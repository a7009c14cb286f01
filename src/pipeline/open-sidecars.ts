// The sidecars of a source, for commands that read no events.

import { FolderSidecars } from '../ingest/sidecar-files.ts';
import type { SidecarFiles } from '../kernel/sidecars.ts';
import { findSource, sidecarFolders } from './find-source.ts';

/** @param named folders to look in first; null: none at all */
export async function openSidecars(
  source: string,
  named: readonly string[] | null | undefined,
): Promise<SidecarFiles> {
  const found = findSource(source);
  if (found.kind === 'database') {
    const { RunDatabase } = await import('../store/run-database.ts');
    return new RunDatabase(found.path).sidecars;
  }
  return new FolderSidecars(sidecarFolders(named, found.folder));
}
