// Our compiled modules as one script: each is a function that returns what it exports, called after
// those it imports from. Only for modules that export declarations and import them by name.

import { readFileSync } from 'node:fs';

/** `import { formatBytes } from '../../../base/bytes-format.js';` */
const IMPORT = /^import (\{[^}]*\}) from '(\.[^']+)';$/gm;
/** `export function formatBytes(`, `export const UNKNOWN =` */
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;
/** `export {};` stands in a module that exports types only. */
const REST = /^(?:export \{\};|\/\/# sourceMappingURL=.*)$/gm;

export function bundleModules(main: URL): string {
  const names = new Map<string, string>();
  const texts: string[] = [];
  const add = (file: URL): string => {
    const known = names.get(file.href);
    if (known !== undefined) return known;
    const source = readFileSync(file, 'utf8');
    const body = source
      .replace(IMPORT, (_, imported, from) => `const ${imported} = ${add(new URL(from, file))};`)
      .replace(EXPORT, '')
      .replace(REST, '');
    const exported = [...source.matchAll(EXPORT)].map(([, name]) => name);
    const name = `module${names.size}`;
    names.set(file.href, name);
    texts.push(`const ${name} = (() => {\n${body}\nreturn { ${exported.join(', ')} };\n})();\n`);
    return name;
  };
  add(main);
  return `(() => {\n'use strict';\n${texts.join('')}})();\n`;
}
