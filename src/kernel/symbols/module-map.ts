// Where the kernel and its modules were in memory, as a trace says (the MMAP records and build ids
// of perf.data). As text, for the sidecar `kernel_maps.txt`: a line `START SIZE NAME [BUILD_ID]` each,
// START and SIZE in hex; the kernel itself is `kernel`. /proc/modules tells the same of the modules.

import { joinHalves } from '../../base/address.ts';
import { present } from '../../base/assert.ts';
import { ensureLength } from '../../base/growable.ts';

/** The name of the kernel's own text. */
const KERNEL = 'kernel';

export interface KernelRange {
  /** A module's name, or KERNEL. */
  readonly name: string;
  readonly start: bigint;
  readonly size: number;
  /** In hex; undefined where the trace does not say. */
  readonly buildId: string | undefined;
}

// [kernel.kallsyms]_text, [guest.kernel.kallsyms]: the kernel; [virtio_ring], /lib/modules/…/x.ko.xz: modules
const KERNEL_NAME = /^\[(?:guest\.)?kernel[.\w]*\]/;
const MODULE_FILE = /^(?:.*\/)?([^/]+?)\.ko(?:\.\w+)?$/;

export class ModuleMap {
  private readonly names: string[] = [];
  private readonly sizes: number[] = [];
  private lo: Uint32Array = new Uint32Array(16);
  private hi: Uint32Array = new Uint32Array(16);
  private readonly buildIds = new Map<string, string>();

  get length(): number {
    return this.names.length;
  }

  /** @param file as perf names it: `[kernel.kallsyms]_text`, `[virtio_ring]`, `/lib/modules/…/x.ko` */
  add(file: string, hi: number, lo: number, size: number): void {
    const i = this.names.length;
    this.lo = ensureLength(this.lo, i + 1);
    this.hi = ensureLength(this.hi, i + 1);
    this.lo[i] = lo;
    this.hi[i] = hi;
    this.sizes.push(size);
    this.names.push(rangeName(file));
  }

  /** @param file as in `add` */
  setBuildId(file: string, buildId: string): void {
    this.buildIds.set(rangeName(file), buildId);
  }

  /** The range that an address is in; of several the one that was added last. */
  find(hi: number, lo: number): KernelRange | undefined {
    for (let i = this.names.length - 1; i >= 0; i--) {
      const behind = (hi - this.hi[i]!) * 4294967296 + (lo - this.lo[i]!);
      if (behind >= 0 && behind < present(this.sizes[i])) return this.range(i);
    }
    return undefined;
  }

  /** All ranges, in the order of their addresses. */
  ranges(): KernelRange[] {
    return this.names
      .map((_, i) => this.range(i))
      .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  /** Where the kernel's own text begins, or undefined. */
  startOfKernel(): bigint | undefined {
    const i = this.names.lastIndexOf(KERNEL);
    return i < 0 ? undefined : this.range(i).start;
  }

  toText(): string {
    const lines = this.ranges().map(({ name, start, size, buildId }) => {
      const id = buildId === undefined ? '' : ` ${buildId}`;
      return `${start.toString(16)} ${size.toString(16)} ${name}${id}\n`;
    });
    return lines.join('');
  }

  /** Reads what `toText` writes; other lines are passed over. */
  static parse(text: string): ModuleMap {
    const map = new ModuleMap();
    for (const [, start, size, name, id] of text.matchAll(
      /^([0-9a-f]{1,16}) ([0-9a-f]{1,13}) (\S+)(?: ([0-9a-f]+))?$/gm,
    )) {
      if (start === undefined || size === undefined || name === undefined) continue;
      const digits = start.padStart(16, '0');
      const file = name === KERNEL ? '[kernel.kallsyms]' : `[${name}]`;
      map.add(
        file,
        Number.parseInt(digits.slice(0, 8), 16),
        Number.parseInt(digits.slice(8), 16),
        Number.parseInt(size, 16),
      );
      if (id !== undefined) map.setBuildId(file, id);
    }
    return map;
  }

  /**
   * Reads /proc/modules: `NAME SIZE USERS USED_BY STATE ADDRESS`, as kernel/module/procfs.c m_show()
   * prints it. Modules whose address is hidden (0) are passed over.
   */
  static parseModules(text: string): ModuleMap {
    const map = new ModuleMap();
    for (const [, name, size, start] of text.matchAll(
      /^([^\s[\]]+) (\d{1,12}) \S+ \S+ \S+ 0x([0-9a-f]{16})\b/gm,
    )) {
      const hi = Number.parseInt(start?.slice(0, 8) ?? '', 16);
      const lo = Number.parseInt(start?.slice(8) ?? '', 16);
      if (hi !== 0 || lo !== 0) map.add(`[${name}]`, hi, lo, Number(size));
    }
    return map;
  }

  private range(i: number): KernelRange {
    const name = present(this.names[i]);
    return {
      name,
      start: joinHalves(this.hi[i]!, this.lo[i]!),
      size: present(this.sizes[i]),
      buildId: this.buildIds.get(name),
    };
  }
}

/** Modules as lsmod names them: their files may have `-` where the kernel has `_`. */
function rangeName(file: string): string {
  if (KERNEL_NAME.test(file)) return KERNEL;
  const module = MODULE_FILE.exec(file)?.[1] ?? /^\[(.+)\]$/.exec(file)?.[1] ?? file;
  return module.replaceAll('-', '_').replaceAll(/\s/g, '_');
}
