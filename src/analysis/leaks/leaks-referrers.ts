// Who refers to one object of a snapshot, in words: object and offset, symbol and offset, stack of a
// task.

import { hex16, hiOf, joinHalves, loOf } from '../../base/address.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { OpenedRun } from '../../run/open-run.ts';
import { judgeCompleteness, summarizeRun } from '../../run/run-summary.ts';
import type { KernelImage } from '../../snapshot/kernel/kernel-image.ts';
import { readTasks, type Task, threadSize } from '../../snapshot/kernel/tasks.ts';
import { isWhite } from '../../snapshot/scan/colours.ts';
import { findReferrers, type Referrer } from '../../snapshot/scan/find-referrers.ts';
import { ObjectIndex } from '../../snapshot/scan/object-index.ts';
import { BLACK } from '../../snapshot/scan/object-list.ts';
import { ROOT_CLASSES } from '../../snapshot/scan/scan-plan.ts';
import { SlabIndex } from '../../snapshot/slub-walk/slab-index.ts';
import type { LeakReferrer, LeakReferrers } from './leaks-result.ts';
import type { ScannedSnapshot } from './leaks-scan.ts';

/** @throws TraceFormatError where no object of the trace lies at the address */
export function findLeakReferrers(
  { run, origin }: OpenedRun,
  scanned: ScannedSnapshot,
  address: bigint,
): LeakReferrers {
  const { built, vmcore, pages, objects } = scanned;
  const { kernel } = vmcore;
  const index = new ObjectIndex(built.objects, built.table);
  const target = index.find(hiOf(address), loOf(address));
  if (target < 0) {
    throw new TraceFormatError(`0x${address.toString(16)}: no object of the trace lies there`, {
      hint: 'Objects that are older than the trace are objects with --pretrace only.',
    });
  }
  const names = new RootNames(scanned, kernel);
  const found = findReferrers(kernel.space, { ...built, pages }, target);
  const { candidate } = objects.describe(target);
  return {
    type: 'referrers',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    object: {
      address: candidate.address,
      size: candidate.size,
      colour: colourOf(scanned, target),
      cache: candidate.cache,
      site: objects.siteLabel(target),
    },
    referrers: found.map((referrer) => names.describe(referrer)),
  };
}

function colourOf({ built, colours }: ScannedSnapshot, i: number): 'white' | 'gray' | 'black' {
  if (built.objects.minCount[i] === BLACK) return 'black';
  return isWhite(built.objects, colours, i) ? 'white' : 'gray';
}

class RootNames {
  private readonly scanned: ScannedSnapshot;
  private readonly kernel: KernelImage;
  private tasks: readonly Task[] | undefined;
  private slabs: SlabIndex | undefined;

  constructor(scanned: ScannedSnapshot, kernel: KernelImage) {
    this.scanned = scanned;
    this.kernel = kernel;
  }

  describe({ hi, lo, source }: Referrer): LeakReferrer {
    const { built, objects } = this.scanned;
    const address = `0x${hex16(hi, lo)}`;
    if (source >= 0) {
      const start = joinHalves(built.objects.hi[source] ?? 0, built.objects.lo[source] ?? 0);
      return {
        address,
        kind: colourOf(this.scanned, source),
        holder: `${objects.name(source)}${plus(joinHalves(hi, lo) - start)}`,
        allocatedAt: objects.siteLabel(source),
      };
    }
    const kind = ROOT_CLASSES[-1 - source] ?? 'everything else';
    return { address, kind, holder: this.holder(kind, hi, lo), allocatedAt: null };
  }

  private holder(kind: string, hi: number, lo: number): string {
    const at = joinHalves(hi, lo);
    switch (kind) {
      case 'task stacks': {
        this.tasks ??= readTasks(this.kernel) ?? [];
        const bytes = BigInt(threadSize(this.kernel));
        const task = this.tasks.find(({ stack }) => at >= stack && at < stack + bytes);
        return task === undefined
          ? 'a stack'
          : `stack of ${task.comm}-${task.pid}${plus(at - task.stack)}`;
      }
      case 'older slab objects': {
        const { slub } = this.scanned.vmcore;
        if ('reason' in slub) return 'an object';
        this.slabs ??= new SlabIndex(slub);
        const place = this.slabs.find(hi, lo);
        if (place === undefined) return 'an object';
        return `${place.cache.name} 0x${(at - BigInt(place.offset)).toString(16)}${plus(BigInt(place.offset))}`;
      }
      case 'struct pages':
        return `struct page 0x${(at - (at % 64n)).toString(16)}${plus(at % 64n)}`;
      default: {
        const { symbols } = this.kernel;
        const own = BigInt.asUintN(64, at - symbols.shift);
        const found = this.kernel.kallsyms?.resolve(hiOf(own), loOf(own));
        if (found === undefined) return kind === 'everything else' ? 'no symbol' : kind;
        const module = found.module === undefined ? '' : ` [${found.module}]`;
        return `${found.name}${plus(BigInt(found.offset))}${module}`;
      }
    }
  }
}

function plus(offset: bigint): string {
  return `+0x${offset.toString(16)}`;
}
