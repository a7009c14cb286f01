// SLUB in plain arrays, function by function as mm/slub.c has them (6.1.192; what 5.10 does otherwise
// is named): slow and without any cleverness, to hold the model against. Lists have their head first.

export interface NaiveShape {
  readonly objsPerSlab: number;
  readonly minPartial: number;
  /** In objects: 5.10. */
  readonly cpuPartial: number;
  readonly cpuPartialSlabs: number;
  readonly cpus: number;
  readonly nodes: number;
  readonly isOldest: boolean;
  readonly debug: boolean;
}

export interface NaiveSlab {
  /** Counted from 0 as they come. */
  readonly id: number;
  readonly node: number;
  readonly freelist: number[];
  inuse: number;
  where: 'cpu' | 'cpu partial' | 'node partial' | 'nowhere' | 'gone';
  /** 5.10, see put_cpu_partial(). */
  pobjects: number;
}

interface NaiveCpu {
  slab: NaiveSlab | undefined;
  freelist: number[];
  partial: NaiveSlab[];
}

export interface NaiveObject {
  readonly slab: NaiveSlab;
  readonly object: number;
}

export class NaiveSlub {
  readonly cpus: NaiveCpu[];
  readonly partial: NaiveSlab[][];
  readonly slabs: NaiveSlab[] = [];
  /** True after an allocation that needed a new slab. */
  gotNewSlab = false;
  private readonly shape: NaiveShape;
  private readonly orderOf: (slab: number) => readonly number[];

  /** @param orderOf the objects of a new slab in the order of its freelist */
  constructor(shape: NaiveShape, orderOf: (slab: number) => readonly number[]) {
    this.shape = shape;
    this.orderOf = orderOf;
    this.cpus = Array.from({ length: shape.cpus }, () => ({
      slab: undefined,
      freelist: [],
      partial: [],
    }));
    this.partial = Array.from({ length: shape.nodes }, () => []);
  }

  /** slab_alloc_node() */
  alloc(cpu: number, node: number): NaiveObject {
    this.gotNewSlab = false;
    if (this.shape.debug) return this.debugAlloc(cpu, node);
    const c = this.cpu(cpu);
    if (c.slab === undefined || c.freelist.length === 0 || !nodeMatch(c.slab, node)) {
      this.slabAlloc(c, cpu, node);
    }
    return { slab: c.slab as NaiveSlab, object: c.freelist.shift() as number };
  }

  /** do_slab_free() */
  free(cpu: number, { slab, object }: NaiveObject): void {
    if (this.shape.debug) this.freeToPartialList(slab, object);
    else if (this.cpu(cpu).slab === slab) this.cpu(cpu).freelist.unshift(object);
    else this.slabFree(cpu, slab, object);
  }

  /** ___slab_alloc(): leaves a slab with a freelist on the CPU. */
  private slabAlloc(c: NaiveCpu, cpu: number, node: number): void {
    if (c.slab !== undefined) {
      if (!nodeMatch(c.slab, node)) this.deactivateSlab(c);
      else if (this.getFreelist(c)) return;
      else setNowhere(c);
    }
    for (let slab = c.partial.shift(); slab !== undefined; slab = c.partial.shift()) {
      slab.where = 'cpu';
      c.slab = slab;
      if (nodeMatch(slab, node)) {
        this.getFreelist(c);
        return;
      }
      this.deactivateSlab(c);
    }
    if (this.getPartial(c, cpu, node)) return;
    const slab = this.newSlab(cpu, node);
    c.slab = slab;
    slab.where = 'cpu';
    this.getFreelist(c);
  }

  /** get_freelist(): the slab's own list goes to the CPU as a whole. */
  private getFreelist(c: NaiveCpu): boolean {
    const slab = c.slab as NaiveSlab;
    c.freelist = slab.freelist.splice(0);
    slab.inuse = this.shape.objsPerSlab;
    return c.freelist.length > 0;
  }

  /** get_partial(), get_any_partial() */
  private getPartial(c: NaiveCpu, cpu: number, node: number): boolean {
    const { minPartial, nodes } = this.shape;
    if (this.getPartialNode(c, node < 0 ? this.nodeOfCpu(cpu) : node)) return true;
    if (node >= 0) return false;
    for (let other = 0; other < nodes; other++) {
      if (this.list(other).length > minPartial && this.getPartialNode(c, other)) return true;
    }
    return false;
  }

  /** get_partial_node() */
  private getPartialNode(c: NaiveCpu, node: number): boolean {
    const { objsPerSlab, cpuPartial, cpuPartialSlabs, isOldest } = this.shape;
    let found = false;
    let partialSlabs = 0;
    let available = 0;
    for (const slab of [...this.list(node)]) {
      remove(this.list(node), slab);
      available += objsPerSlab - slab.inuse;
      if (!found) {
        found = true;
        c.slab = slab;
        slab.where = 'cpu';
        this.getFreelist(c);
      } else {
        this.putCpuPartial(c, slab, false);
        partialSlabs++;
      }
      if (isOldest && available > Math.floor(cpuPartial / 2)) break;
      if (!isOldest && partialSlabs > Math.floor(cpuPartialSlabs / 2)) break;
    }
    return found;
  }

  /** put_cpu_partial() */
  private putCpuPartial(c: NaiveCpu, slab: NaiveSlab, drain: boolean): void {
    const { objsPerSlab, cpuPartial, cpuPartialSlabs, isOldest } = this.shape;
    const [old] = c.partial;
    let pobjects = old?.pobjects ?? 0;
    const isOver = isOldest ? pobjects > cpuPartial : c.partial.length >= cpuPartialSlabs;
    if (old !== undefined && drain && isOver) {
      this.unfreezePartials(c.partial.splice(0));
      pobjects = 0;
    }
    slab.pobjects = pobjects + objsPerSlab - slab.inuse;
    slab.where = 'cpu partial';
    c.partial.unshift(slab);
  }

  /** __unfreeze_partials(), __put_partials() */
  private unfreezePartials(slabs: readonly NaiveSlab[]): void {
    for (const slab of slabs) {
      if (slab.inuse === 0 && this.isNodeFull(slab)) slab.where = 'gone';
      else this.addPartial(slab, 'tail');
    }
  }

  /** deactivate_slab() */
  private deactivateSlab(c: NaiveCpu): void {
    const slab = c.slab as NaiveSlab;
    const end = slab.freelist.length > 0 ? 'tail' : 'head';
    slab.inuse -= c.freelist.length;
    if (this.shape.isOldest) for (const object of c.freelist) slab.freelist.unshift(object);
    else slab.freelist.unshift(...c.freelist);
    setNowhere(c);
    if (slab.inuse === 0 && this.isNodeFull(slab)) slab.where = 'gone';
    else if (slab.freelist.length > 0) this.addPartial(slab, end);
  }

  /** __slab_free() */
  private slabFree(cpu: number, slab: NaiveSlab, object: number): void {
    const wasFull = slab.freelist.length === 0;
    slab.freelist.unshift(object);
    slab.inuse--;
    if (slab.where === 'cpu' || slab.where === 'cpu partial') return;
    if (wasFull) this.putCpuPartial(this.cpu(cpu), slab, true);
    else if (slab.inuse === 0 && this.isNodeFull(slab)) {
      remove(this.list(slab.node), slab);
      slab.where = 'gone';
    }
  }

  /**
   * alloc_single_from_partial(), alloc_single_from_new_slab(); 5.10 makes the slab the CPU's and gives
   * it back to the head of the list, what is left object by object.
   */
  private debugAlloc(cpu: number, node: number): NaiveObject {
    const { minPartial, objsPerSlab, isOldest } = this.shape;
    const own = this.list(node < 0 ? this.nodeOfCpu(cpu) : node);
    const others = node < 0 ? this.partial.filter((list) => list.length > minPartial) : [];
    let slab = [own, ...others].find((list) => list.length > 0)?.[0];
    if (slab === undefined) {
      slab = this.newSlab(cpu, node);
      this.addPartial(slab, 'head');
    }
    const object = slab.freelist.shift() as number;
    slab.inuse++;
    if (isOldest) slab.freelist.reverse();
    if (slab.inuse === objsPerSlab) {
      remove(this.list(slab.node), slab);
      slab.where = 'nowhere';
    }
    return { slab, object };
  }

  /** free_to_partial_list() */
  private freeToPartialList(slab: NaiveSlab, object: number): void {
    const wasFull = slab.freelist.length === 0;
    slab.freelist.unshift(object);
    slab.inuse--;
    if (slab.inuse === 0 && this.isNodeFull(slab)) {
      if (!wasFull) remove(this.list(slab.node), slab);
      slab.where = 'gone';
    } else if (wasFull) this.addPartial(slab, 'tail');
  }

  private newSlab(cpu: number, node: number): NaiveSlab {
    this.gotNewSlab = true;
    const id = this.slabs.length;
    const slab: NaiveSlab = {
      id,
      node: node < 0 ? this.nodeOfCpu(cpu) : node,
      freelist: [...this.orderOf(id)],
      inuse: 0,
      where: 'nowhere',
      pobjects: 0,
    };
    this.slabs.push(slab);
    return slab;
  }

  private addPartial(slab: NaiveSlab, end: 'head' | 'tail'): void {
    slab.where = 'node partial';
    if (end === 'head') this.list(slab.node).unshift(slab);
    else this.list(slab.node).push(slab);
  }

  private isNodeFull(slab: NaiveSlab): boolean {
    return this.list(slab.node).length >= this.shape.minPartial;
  }

  private list(node: number): NaiveSlab[] {
    return this.partial[node] as NaiveSlab[];
  }

  private cpu(cpu: number): NaiveCpu {
    return this.cpus[cpu] as NaiveCpu;
  }

  private nodeOfCpu(cpu: number): number {
    return this.shape.nodes === 1 ? 0 : cpu & 1;
  }
}

/** node_match() */
function nodeMatch(slab: NaiveSlab, node: number): boolean {
  return node < 0 || slab.node === node;
}

function setNowhere(c: NaiveCpu): void {
  (c.slab as NaiveSlab).where = 'nowhere';
  c.slab = undefined;
  c.freelist = [];
}

function remove(list: NaiveSlab[], slab: NaiveSlab): void {
  list.splice(list.indexOf(slab), 1);
}
