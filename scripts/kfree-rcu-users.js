#!/usr/bin/env node
// Which functions allocate objects that are freed by kfree_rcu(), kvfree_rcu() or in bulk, that is
// without an event: made from the sources of kernels, for src/kernel/caches/kfree-rcu-users.ts.
//
//   node scripts/kfree-rcu-users.js linux-source-6.1 linux-source-6.12 > src/kernel/caches/kfree-rcu-users.ts
//
// It reads C by its layout (kernel style: a function's braces are in the first column), follows what is
// freed to its type, and the type to the functions that allocate it. A static function that one other
// function of its file calls is inlined by the compiler: then that one is the call site.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FREED =
  /\bkv?free_rcu(?:_mightsleep)?\s*\(\s*([\w>.-]+(?:\([^()]*\))?)\s*(?:,\s*[\w.]+\s*)?\)/g;
/** What an RCU callback calls that frees many objects at once. */
const BULK_FREE = /\b(?:kfree_bulk|kmem_cache_free_bulk)\s*\(/;
const CALL_RCU = /\bcall_rcu(?:_hurry)?\s*\([^,;]+,\s*(\w+)\s*\)/g;
const CONTAINER = /container_of\s*\([^,]+,\s*struct (\w+)/g;
const ALLOCATED =
  /([\w>.-]+)\s*=\s*(?:\([^()]*\)\s*)?(kmem_cache_z?alloc(?:_node|_lru)?|k[mzc]alloc(?:_node|_array)?|kv[mzc]alloc(?:_node|_array)?|kmemdup)\s*\(/g;
/** `struct a *b = x, *c`: the structure, the first name, the others. */
const POINTERS =
  /\bstruct (\w+)\s*(?:__rcu\s*)?\*+\s*(?:__rcu\s*|const\s*|__restrict\s*)*(\w+)((?:\s*(?:=[^,;{}]*)?,\s*\*+\s*\w+)*)/g;
const ATTRIBUTES =
  /__(?:printf|scanf|aligned|releases|acquires|must_hold|section|attribute__|alloc_size|malloc|cond_acquires)\s*\(+[^()]*\)+\s*/g;
const LEVELS_OF_INLINING = 3;

/** Directories whose code is in no kernel that runs. */
const LEFT_OUT = new Set(['Documentation', 'tools', 'samples', 'scripts', 'usr', '.git']);

function* sources(folder, isTop = true) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (isTop && LEFT_OUT.has(entry.name)) continue;
    if (entry.isDirectory()) yield* sources(join(folder, entry.name), false);
    else if (/\.[ch]$/.test(entry.name)) yield join(folder, entry.name);
  }
}

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/.*/g, '');

/** The functions of a file: name, whether static, the text of head and body. */
function functionsOf(text) {
  const functions = [];
  const lines = text.split('\n');
  let head = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line !== '{') {
      if (line === '' || /^[}#]/.test(line) || /;\s*$/.test(line)) head = [];
      else head.push(line);
      continue;
    }
    const end = lines.findIndex((other, at) => at > i && other.startsWith('}'));
    if (end < 0) break;
    const signature = head.join(' ');
    const body = lines.slice(i, end).join('\n');
    for (const name of namesOf(signature)) {
      functions.push({
        name,
        isStatic: /\bstatic\b/.test(signature),
        text: `${signature}\n${body}`,
        body,
      });
    }
    head = [];
    i = end;
  }
  return functions;
}

/** A function, or the entries that SYSCALL_DEFINEn() makes. */
function namesOf(signature) {
  const syscall = /SYSCALL_DEFINE\d\s*\(\s*(\w+)/.exec(signature)?.[1];
  if (syscall !== undefined)
    return [`__do_sys_${syscall}`, `__x64_sys_${syscall}`, `__arm64_sys_${syscall}`];
  const name = /(\w+)\s*\((?!\s*\*)/.exec(signature.replace(ATTRIBUTES, ' '))?.[1];
  return name === undefined ? [] : [name];
}

/** Pointers to structures in a text: name -> structure. */
function pointersIn(text) {
  const types = new Map();
  for (const [, type, first, others] of text.matchAll(POINTERS)) {
    const names = [first, ...[...others.matchAll(/,\s*\*+\s*(\w+)/g)].map(([, name]) => name)];
    for (const name of names) if (!types.has(name)) types.set(name, type);
  }
  return types;
}

/** The structure that an expression points to: `p`, `p->member->member`, `p.member`. */
function typeOf(expression, pointers, members) {
  const [first, ...rest] = expression.split(/->|\./);
  let type = pointers.get(first);
  for (const member of rest) type = type && members.get(type)?.get(member);
  return type;
}

function readTree(folder) {
  const files = [];
  const members = new Map();
  for (const path of sources(folder)) {
    const text = withoutComments(readFileSync(path, 'latin1'));
    for (const [, name, body] of text.matchAll(
      /^(?:typedef )?struct (\w+)\s*\{\n([\s\S]*?)^\}/gm,
    )) {
      members.set(name, pointersIn(body));
    }
    const isOfInterest = /free_rcu|call_rcu|alloc|kmemdup/.test(text);
    if (path.endsWith('.c') && isOfInterest) files.push(functionsOf(text));
  }
  return { files, members };
}

/** Structures that are freed without an event. */
function freedTypes({ files, members }) {
  return new Set(
    files.flatMap((functions) => [
      ...functions.flatMap((each) => freedByKfreeRcu(each, members)),
      ...freedInBulk(functions),
    ]),
  );
}

function freedByKfreeRcu({ text, body }, members) {
  return [...body.matchAll(FREED)]
    .map(([, expression]) => typeOf(expression, pointersIn(text), members))
    .filter((type) => type !== undefined);
}

/** What the RCU callbacks of a file free many of at once. */
function freedInBulk(functions) {
  const callbacks = new Set(
    functions.flatMap(({ body }) => [...body.matchAll(CALL_RCU)].map(([, callback]) => callback)),
  );
  return functions
    .filter(({ name, body }) => callbacks.has(name) && BULK_FREE.test(body))
    .flatMap(({ body }) => [...body.matchAll(CONTAINER)].map(([, type]) => type));
}

/** The function and, where it will be inlined, those that it is inlined into. */
function callSites(functions, { name, isStatic }, level = 0) {
  if (!isStatic || level === LEVELS_OF_INLINING) return [name];
  const calls = new RegExp(`\\b${name}\\s*\\(`);
  const callers = functions.filter((other) => other.name !== name && calls.test(other.body));
  if (callers.length !== 1) return [name];
  return [name, ...callSites(functions, callers[0], level + 1)];
}

function allocators({ files, members }, freed) {
  const found = new Map();
  for (const functions of files) {
    for (const each of functions) {
      const pointers = pointersIn(each.text);
      for (const [, target, allocator] of each.body.matchAll(ALLOCATED)) {
        const type = typeOf(target, pointers, members);
        if (type === undefined || !freed.has(type)) continue;
        const kind = allocator.startsWith('kmem_cache') ? 'cache' : 'kmalloc';
        for (const site of callSites(functions, each)) found.set(`${kind} ${site}`, type);
      }
    }
  }
  return found;
}

function versionOf(folder) {
  const makefile = readFileSync(join(folder, 'Makefile'), 'latin1');
  const part = (name) => new RegExp(`^${name}\\s*=\\s*(\\d+)`, 'm').exec(makefile)?.[1];
  return [part('VERSION'), part('PATCHLEVEL'), part('SUBLEVEL')].join('.');
}

const trees = process.argv.slice(2).map((folder) => {
  const tree = readTree(folder);
  return { version: versionOf(folder), found: allocators(tree, freedTypes(tree)) };
});
const versions = trees.map(({ version }) => version);
const keys = [...new Set(trees.flatMap(({ found }) => [...found.keys()]))].sort();
const rows = keys.map((key) => {
  const of = trees.filter(({ found }) => found.has(key));
  const [kind, site] = key.split(' ');
  const types = [...new Set(of.map(({ found }) => found.get(key)))].join('|');
  return `${kind} ${site} ${types} ${of.map(({ version }) => version.replace(/\.\d+$/, '')).join(',')}`;
});
const date = new Date().toISOString().slice(0, 10);
process.stdout.write(`// Made by scripts/kfree-rcu-users.js from Linux ${versions.join(' and ')} on ${date}: functions that
// allocate objects which are freed by kfree_rcu() or kvfree_rcu(), or in bulk by an RCU callback. A
// line each: what allocates, the function, the structure, the kernels in which that is so.

export const KFREE_RCU_USERS = \`
${rows.join('\n')}
\`;
`);
