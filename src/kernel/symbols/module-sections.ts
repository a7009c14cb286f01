// /sys/module/*/sections/* as `path=ADDRESS` (module_sections.txt) → whose initialisation code an
// address was. A module's .init.text is given back when it is loaded, and what is loaded next may get
// the same addresses: kallsyms then names the later one only.

/** Initialisation code of a module. */
export interface InitCode {
  readonly module: string;
  /** `.init.text`. */
  readonly section: string;
  readonly offset: number;
}

interface Section {
  readonly module: string;
  readonly name: string;
  readonly start: bigint;
}

const LINE = /^\/sys\/module\/([^/]+)\/sections\/([^=]+)=0x([0-9a-f]{8,16})$/gm;
const PAGE = 4096n;
/** Initialisation code is small; an address further on is in something else. */
const MAX_INIT_BYTES = 1024n * 1024n;

export class ModuleSections {
  private readonly sections: Section[];

  constructor(text: string) {
    this.sections = [...text.matchAll(LINE)]
      .map(([, module = '', name = '', start = '0']) => ({
        module,
        name,
        start: BigInt(`0x${start}`),
      }))
      .filter(({ start }) => start !== 0n)
      .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  /** Modules whose initialisation code was at an address. */
  initCodeAt(address: bigint): InitCode[] {
    return this.sections
      .filter(({ name, module, start }) => {
        if (!name.startsWith('.init.text') || address < start) return false;
        return address < this.endOf(module, start);
      })
      .map(({ module, name, start }) => ({
        module,
        section: name,
        offset: Number(address - start),
      }));
  }

  /** A section ends where the module's next one begins, on a page of its own. */
  private endOf(module: string, start: bigint): bigint {
    const next = this.sections.find((s) => s.module === module && s.start > start);
    const most = ((start + MAX_INIT_BYTES) / PAGE) * PAGE;
    return next === undefined || next.start > most ? most : next.start;
  }
}
