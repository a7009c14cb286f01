// The files of a recording folder that say what the machine was (docs/recording-folder.md).

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type MachineRoots, readIfThere } from './machine-roots.ts';
import { eventFolder } from './trace-instance.ts';

/** What changes while events are recorded: taken at the start and at the end. */
export function takeSlabState(
  { proc, sys }: MachineRoots,
  folder: string,
  suffix: '' | '.before',
): void {
  const slabinfo = readIfThere(join(proc, 'slabinfo'));
  if (slabinfo !== undefined) save(join(folder, `slabinfo${suffix}.txt`), slabinfo);
  const root = join(sys, 'kernel', 'slab');
  if (!existsSync(root)) return;
  const values: string[] = [];
  const links: string[] = [];
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    // Names are those of the running system, wherever a test has it.
    const shown = `/sys/kernel/slab/${entry.name}`;
    if (entry.isSymbolicLink()) links.push(`${shown} -> ${readlinkSync(path)}`);
    else if (entry.isDirectory()) values.push(...attributesOf(path, shown));
  }
  save(join(folder, `slab_sysfs${suffix}.txt`), values.join('\n'));
  if (suffix === '') save(join(folder, 'slab_sysfs_links.txt'), links.join('\n'));
}

function attributesOf(path: string, shown: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((file) => {
    // Writing to these does something, and reading them says nothing.
    if (!file.isFile() || file.name === 'shrink' || file.name === 'validate') return [];
    const value = readIfThere(join(path, file.name));
    return value === undefined ? [] : [`${shown}/${file.name}=${value}`];
  });
}

/** What stays: symbols, the machine, what the tracer knew of events. */
export function takeMachineFiles(
  roots: MachineRoots,
  folder: string,
  events: readonly string[],
): void {
  const { proc, boot, tracefs } = roots;
  for (const name of [
    'modules',
    'zoneinfo',
    'vmallocinfo',
    'meminfo',
    'iomem',
    'cmdline',
    'version',
  ]) {
    const text = readIfThere(join(proc, name));
    if (text !== undefined && text !== '') save(join(folder, `${name}.txt`), text);
  }
  const kallsyms = readIfThere(join(proc, 'kallsyms'));
  if (kallsyms !== undefined) {
    writeFileSync(
      join(folder, 'kallsyms.txt.gz'),
      gzipSync(Buffer.from(`${kallsyms}\n`, 'latin1')),
    );
  }
  const release = readIfThere(join(proc, 'sys', 'kernel', 'osrelease'));
  if (release !== undefined) {
    save(join(folder, 'uname.txt'), release);
    takeConfig(proc, boot, release, folder);
  }
  for (const name of ['header_page', 'header_event']) {
    copyText(join(tracefs, 'events', name), join(folder, 'tracing', 'events', name));
  }
  for (const event of events) {
    const [system = '', name = ''] = event.split(':');
    const target = join(folder, 'tracing', 'events', system, name, 'format');
    copyText(join(eventFolder(tracefs, event), 'format'), target);
  }
}

/** What the tracer knows when the recording has ended. */
export function takeTracerState(tracefs: string, instance: string, folder: string): void {
  copyText(join(instance, 'trace_clock'), join(folder, 'tracing', 'trace_clock'));
  copyText(join(instance, 'trace_options'), join(folder, 'tracing', 'trace_options'));
  copyText(join(tracefs, 'saved_cmdlines'), join(folder, 'tracing', 'saved_cmdlines'));
}

/** True where kallsyms has addresses; kptr_restrict hides them. */
export function showsAddresses({ proc }: MachineRoots): boolean {
  const text = readIfThere(join(proc, 'kallsyms'));
  return text !== undefined && /^0*[1-9a-f]/m.test(text.slice(0, 4096));
}

function takeConfig(proc: string, boot: string, release: string, folder: string): void {
  const packed = join(proc, 'config.gz');
  const plain = join(boot, `config-${release}`);
  if (existsSync(packed)) copyFileSync(packed, join(folder, 'config.gz'));
  else if (existsSync(plain)) copyFileSync(plain, join(folder, 'config'));
}

function copyText(from: string, to: string): void {
  const text = readIfThere(from);
  if (text !== undefined) save(to, text);
}

function save(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text === '' ? '' : `${text}\n`, 'latin1');
}
