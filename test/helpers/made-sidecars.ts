// Sidecars written down in a test.

import type { SidecarFiles } from '../../src/recording/sidecars.ts';

export function madeSidecars(files: Readonly<Record<string, string | Buffer>>): SidecarFiles {
  const bytes = (name: string): Buffer | undefined => {
    const file = files[name];
    return file === undefined ? undefined : Buffer.from(file);
  };
  return {
    bytes,
    text: (name) => bytes(name)?.toString('utf8'),
    list: () => [],
    offer: () => undefined,
    taken: new Map(),
    offered: new Map(),
  };
}
