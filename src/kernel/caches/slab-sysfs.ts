// A capture of /sys/kernel/slab becomes the machine's caches and their aliases.
// Two sidecars of a recording (docs: recording folder): `slab_sysfs.txt` has a line
// `/sys/kernel/slab/<cache>/<attr>=<value>` (or `:`, as grep prints it) for each file in a real
// directory, `slab_sysfs_links.txt` a line `/sys/kernel/slab/<alias> -> <id>` for each symlink. Truth: mm/slub.c sysfs_slab_add(),
// sysfs_slab_alias(). The order of either file is kept.

import { findAliases } from './alias-directories.ts';
import {
  buildSlabCache,
  isSlabAttribute,
  isSlabText,
  type SlabCacheSysfs,
} from './slab-cache-sysfs.ts';

/** A symlink: one of the names under which a merged cache was created. */
export interface SlabAlias {
  readonly name: string;
  /** The directory it points to. It may be missing from a damaged capture. */
  readonly target: string;
}

export interface SlabSysfs {
  /** In the order of the capture. */
  readonly caches: readonly SlabCacheSysfs[];
  readonly byId: ReadonlyMap<string, SlabCacheSysfs>;
  /** In the order of the links file. */
  readonly aliases: readonly SlabAlias[];
  /** The alias names of a directory, in the order of the links file. */
  readonly aliasNames: ReadonlyMap<string, readonly string[]>;
  /** Lines that are neither an attribute, nor a link, nor the rest of a text of several lines. */
  readonly badLines: number;
}

/** Joins caches and aliases that do not come from a capture (a replayed state) into one. */
export function buildSlabSysfs(
  caches: readonly SlabCacheSysfs[],
  aliases: readonly SlabAlias[],
  badLines = 0,
): SlabSysfs {
  const aliasNames = new Map<string, string[]>();
  for (const { name, target } of aliases) {
    const names = aliasNames.get(target);
    if (names === undefined) aliasNames.set(target, [name]);
    else names.push(name);
  }
  const byId = new Map(caches.map((cache) => [cache.id, cache]));
  return { caches, byId, aliases, aliasNames, badLines };
}

/**
 * Reads both sidecars. A directory that the links file calls a link was captured through it and is left
 * out. Without links, directories that show the same cache as one with a unique id are its aliases.
 * Never throws.
 */
export function parseSlabSysfs(text: string, linksText = ''): SlabSysfs {
  const links = parseLinks(linksText);
  const linkNames = new Set(links.aliases.map((alias) => alias.name));
  const { directories, badLines } = parseAttributes(text);
  const caches: SlabCacheSysfs[] = [];
  for (const [id, files] of directories) {
    if (!linkNames.has(id)) caches.push(buildSlabCache(id, files));
  }
  if (links.aliases.length > 0)
    return buildSlabSysfs(caches, links.aliases, badLines + links.badLines);
  const aliases = findAliases(caches, directories);
  const names = new Set(aliases.map(({ name }) => name));
  const own = names.size === 0 ? caches : caches.filter(({ id }) => !names.has(id));
  return buildSlabSysfs(own, aliases, badLines + links.badLines);
}

const PREFIXES = ['/sys/kernel/slab/', '/sys/slab/'];

interface Directories {
  readonly directories: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly badLines: number;
}

function parseAttributes(text: string): Directories {
  const directories = new Map<string, Map<string, string>>();
  let badLines = 0;
  /** The line before. */
  let last: Attribute | undefined;
  for (const line of linesOf(text)) {
    const path = pathBelowSlab(line) ?? relativePath(line);
    if (path === undefined) {
      if (!continues(line, last, directories)) badLines++;
      continue;
    }
    last = parseAttribute(path);
    if (last === undefined) badLines++;
    else store(last, directories);
  }
  return { directories, badLines };
}

/** A file in the directory of a cache, or the first line of it. */
interface Attribute {
  readonly id: string;
  readonly name: string;
  readonly value: string;
}

// /sys/kernel/slab/kmalloc-64/slabs=755 N0=755
// /sys/kernel/slab/labbug_c/ctor=ctor_c+0x0/0x40 [labbug]
function parseAttribute(path: string): Attribute | undefined {
  const slash = path.indexOf('/');
  // `grep -H . /sys/kernel/slab/*/*` puts a colon between path and value.
  const end = slash + 1 + path.slice(slash + 1).search(/[=:]/);
  if (slash <= 0 || end <= slash || path.startsWith('.')) return undefined;
  return {
    id: path.slice(0, slash),
    name: path.slice(slash + 1, end),
    value: path.slice(end + 1),
  };
}

function store(
  { id, name, value }: Attribute,
  directories: Map<string, Map<string, string>>,
): void {
  let files = directories.get(id);
  if (files === undefined) {
    files = new Map();
    directories.set(id, files);
  }
  if (!isSlabAttribute(name)) return;
  // grep puts the path before each line of a text.
  const before = isSlabText(name) ? files.get(name) : undefined;
  files.set(name, before === undefined ? value : `${before}\n${value}`);
}

/**
 * A line without a path: the next one of a text of several lines (alloc_calls), where one came before.
 * @returns false where it is none, and is more than an empty line or the rest of what is not read
 */
function continues(
  line: string,
  last: Attribute | undefined,
  directories: ReadonlyMap<string, Map<string, string>>,
): boolean {
  const files = last === undefined ? undefined : directories.get(last.id);
  if (last === undefined || files === undefined) return line === '';
  if (isSlabText(last.name)) {
    files.set(last.name, `${files.get(last.name) ?? ''}\n${line}`);
    return true;
  }
  return line === '' || !isSlabAttribute(last.name);
}

// /sys/kernel/slab/task_delay_info -> :A-0000128
function parseLinks(text: string): { aliases: SlabAlias[]; badLines: number } {
  const aliases: SlabAlias[] = [];
  let badLines = 0;
  for (const line of linesOf(text)) {
    if (line === '') continue;
    const [name = '', target = ''] = (pathBelowSlab(line) ?? '').split(' -> ');
    const id = target.slice(target.lastIndexOf('/') + 1);
    if (name === '' || id === '' || name.includes('/') || name.startsWith('.')) badLines++;
    else aliases.push({ name, target: id });
  }
  return { aliases, badLines };
}

function pathBelowSlab(line: string): string | undefined {
  const prefix = PREFIXES.find((p) => line.startsWith(p));
  return prefix === undefined ? undefined : line.slice(prefix.length);
}

/** `kmalloc-64/slabs:755 N0=755`, of a grep in /sys/kernel/slab itself, or of a copy elsewhere. */
function relativePath(line: string): string | undefined {
  const [, path, attribute = ''] = /^(?:\S*\/)?([^\s/][^/]*\/(\w+)[=:].*)$/.exec(line) ?? [];
  return isSlabAttribute(attribute) ? path : undefined;
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const stop = end < 0 ? text.length : end;
    yield text.slice(at, text[stop - 1] === '\r' && stop > at ? stop - 1 : stop);
    at = stop + 1;
  }
}
