// The script and the styles that every page carries: browser/ with the libraries that it imports, as the
// build has bundled them beside this file (scripts/build-pages.js).

import { readFileSync } from 'node:fs';

export interface PageAssets {
  readonly script: string;
  readonly styles: string;
}

/** @throws Error where the program was not built */
export function readPageAssets(): PageAssets {
  return { script: read('browser.js'), styles: read('browser.css') };
}

function read(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
}
