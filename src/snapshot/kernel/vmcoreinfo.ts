// VMCOREINFO (kernel/vmcore_info.c and its callers) → what the kernel told dump tools about itself:
// lines `OSRELEASE=6.1.0-56-amd64`, `SYMBOL(init_top_pgt)=ffffffffb9610000`, `OFFSET(page.lru)=8`,
// `SIZE(page)=64`, `LENGTH(node_data)=1024`, `NUMBER(phys_base)=-838860800`, `KERNELOFFSET=36c00000`.

export class VmcoreInfo {
  private readonly values = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) this.values.set(line.slice(0, equals), line.slice(equals + 1).trim());
    }
  }

  /** True where it names what an address cannot be translated without. */
  get isUsable(): boolean {
    return this.values.has('OSRELEASE') && this.values.has('SYMBOL(_stext)');
  }

  get release(): string | undefined {
    return this.values.get('OSRELEASE');
  }

  get buildId(): string | undefined {
    return this.values.get('BUILD-ID');
  }

  /** How far KASLR moved the kernel's addresses. */
  get kernelOffset(): bigint | undefined {
    return parseNumber(this.values.get('KERNELOFFSET'), 16);
  }

  /** True where it is of a 64-bit Arm kernel. */
  get isArm64(): boolean {
    return this.values.has('NUMBER(kimage_voffset)') || this.values.has('NUMBER(VA_BITS)');
  }

  symbol(name: string): bigint | undefined {
    return parseNumber(this.values.get(`SYMBOL(${name})`), 16);
  }

  number(name: string): bigint | undefined {
    return parseNumber(this.values.get(`NUMBER(${name})`), 10);
  }

  /** `offset('page', 'flags')` */
  offset(struct: string, field: string): number | undefined {
    return smallNumber(this.values.get(`OFFSET(${struct}.${field})`));
  }

  size(struct: string): number | undefined {
    return smallNumber(this.values.get(`SIZE(${struct})`));
  }
}

/** A number in `base`, or hexadecimal after 0x; undefined where it is not one. */
function parseNumber(text: string | undefined, base: 10 | 16): bigint | undefined {
  if (text === undefined) return undefined;
  const [, minus, hex, digits] = /^(-?)(0x)?([0-9a-fA-F]{1,20})$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const isHex = hex !== undefined || base === 16;
  if (!isHex && !/^\d+$/.test(digits)) return undefined;
  const value = BigInt(isHex ? `0x${digits}` : digits);
  return minus === '-' ? -value : value;
}

function smallNumber(text: string | undefined): number | undefined {
  const value = parseNumber(text, 10);
  return value === undefined || value < 0n || value > 2n ** 31n ? undefined : Number(value);
}
