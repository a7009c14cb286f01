// What the first pass of a replay learns for the second one: caches get their names, the orders of new
// slabs are learned, the recorded machine is put together.

import type { TraceStart } from '../ingest/thread/read-trace.ts';
import { isKmalloc } from '../kernel/events/event-kind.ts';
import type { Call } from '../kernel/indices.ts';
import type { Tracker } from '../pairing/run-tracker.ts';
import type { KernelFacts } from '../recording/kernel-facts.ts';
import { type RecordedCaches, readFacts } from '../recording/read-facts.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { type CachePlan, planRecorded } from '../replay/machine/cache-plan.ts';
import type { MachineChange } from '../replay/machine/changed-machine.ts';
import { buildMachine, type Machine, type MachineOptions } from '../replay/machine/machine.ts';
import { learnNodes, type MemoryNodes } from '../replay/machine/memory-nodes.ts';
import { PlaceFit } from '../replay/machine/place-fit.ts';
import { strideLayouts } from '../replay/machine/stride-layouts.ts';
import type { FreshOrder } from '../replay/model/fresh-order.ts';
import { type CpuOutage, CpuOutages } from '../replay/observe/cpu-outages.ts';
import { learnedOrders } from '../replay/observe/learned-orders.ts';
import { OrderLearner } from '../replay/observe/order-learner.ts';
import { SlubModel } from '../replay/slub-model.ts';
import { mixedOrders } from './mixed-orders.ts';
import type { ResolvedRun } from './resolved-run.ts';

/** What the second pass needs. */
export interface ReplayBasis {
  /** The recorded machine. */
  readonly machine: Machine;
  readonly plan: CachePlan;
  readonly orders: readonly FreshOrder[];
  readonly nodes: MemoryNodes;
  /** CPUs that the events name. */
  readonly cpus: number;
  /** When CPUs were switched off, in the order of time. */
  readonly outages: readonly CpuOutage[];
  /** What of the options is another machine than the recorded one; undefined: nothing. */
  readonly change: MachineChange | undefined;
}

export class ReplayLearner {
  readonly trackers: readonly Tracker[];
  private readonly sidecars: SidecarFiles;
  private readonly asked: MachineChange;
  /** As files and the trace's header tell them. */
  private readonly facts: KernelFacts;
  private readonly described: MachineOptions;
  private readonly machine: Machine;
  private readonly orders: OrderLearner;
  private readonly outages: CpuOutages;
  private readonly fit: PlaceFit | undefined;

  /**
   * What is learned from addresses needs sizes and orders as soon as the first event comes. Files and
   * header tell them; names of caches, which only events tell, change none of them.
   */
  constructor(
    { dictionary, info }: TraceStart,
    sidecars: SidecarFiles,
    recorded: RecordedCaches,
    asked: MachineChange,
  ) {
    const { calls } = dictionary;
    this.sidecars = sidecars;
    this.asked = asked;
    this.facts = readFacts(sidecars, info, new Set(), recorded);
    this.described = describing(asked, this.facts, false);
    this.machine = buildMachine(this.facts, sidecars, this.described);
    this.orders = new OrderLearner(calls, strideLayouts(calls, this.facts, this.machine));
    this.outages = new CpuOutages(dictionary);
    const isCsv = info.format === 'csv';
    this.fit = asked.debug === undefined ? undefined : new PlaceFit(calls, this.machine, isCsv);
    const always = [this.orders, this.outages];
    this.trackers = this.fit === undefined ? always : [...always, this.fit];
  }

  /** What the pass came to, when its events have been understood. */
  basis(run: ResolvedRun): ReplayBasis {
    const { asked, sidecars } = this;
    const { facts, dictionary } = run;
    const described = describing(asked, facts, tellsLayout(run, this.fit));
    const machine = this.machineOf(facts, described);
    const { ofCall, mixed } = run.names;
    const plan = planRecorded({ dictionary, cacheNames: ofCall, mixed }, facts, machine);
    const own = mixedOrders(plan, run);
    return {
      machine,
      plan,
      orders: learnedOrders(plan, dictionary.calls, this.orders, machine.isRandom, own),
      nodes: learnNodes(sidecars.text('zoneinfo.txt'), objectPlaces(run), facts.pageSize),
      cpus: run.tallies.maxCpu + 1,
      outages: this.outages.outages(),
      change: changeIn(asked, described),
    };
  }

  /** The machine that there is already, unless the events told what files and header did not. */
  private machineOf(facts: KernelFacts, described: MachineOptions): Machine {
    const { release, pageSize, cpus } = this.facts;
    const { debug } = this.described;
    const isSame =
      facts.release === release &&
      facts.pageSize === pageSize &&
      facts.cpus === cpus &&
      described.release === this.described.release &&
      described.debug === debug &&
      described.cpus === this.described.cpus;
    if (!isSame) return buildMachine(facts, this.sidecars, described);
    const { machine } = this;
    return facts.caches === undefined ? machine : { ...machine, classes: facts.kmalloc };
  }
}

/** The caches of the recorded machine, empty. */
export function recordedModel({ plan, machine, cpus, nodes, orders }: ReplayBasis): SlubModel {
  return new SlubModel({ plan, parameters: machine.parameters, cpus, nodes, orders });
}

/** The options that say what the recording does not. */
function describing(
  { kernel, debug, cpus }: MachineChange,
  facts: KernelFacts,
  tellsLayout: boolean,
): MachineOptions {
  const tellsDebug = tellsLayout || facts.cmdline !== null || facts.caches !== undefined;
  return {
    release: facts.release === null ? kernel : undefined,
    debug: tellsDebug ? undefined : debug,
    cpus: facts.cpus === null ? cpus : undefined,
  };
}

/** bytes_alloc of kmalloc shows whether there is debug metadata, unless it fits what the user says. */
function tellsLayout({ dictionary: { calls } }: ResolvedRun, fit: PlaceFit | undefined): boolean {
  if (fit?.fits === true) return false;
  for (let call: Call = 1; call < calls.length; call++) {
    if (isKmalloc(calls.kind(call)) && calls.bytesAlloc(call) > 0) return true;
  }
  return false;
}

function changeIn(options: MachineChange, described: MachineOptions): MachineChange | undefined {
  const change: MachineChange = {
    ...options,
    kernel: described.release === undefined ? options.kernel : undefined,
    debug: described.debug === undefined ? options.debug : undefined,
    cpus: described.cpus === undefined ? options.cpus : undefined,
  };
  return Object.values(change).some((value) => value !== undefined) ? change : undefined;
}

function objectPlaces({ live, rows }: ResolvedRun): Parameters<typeof learnNodes>[1] {
  return {
    length: rows.length,
    lo: (i) => live.ptrLo(rows[i]!),
    hi: (i) => live.ptrHi(rows[i]!),
    cpu: (i) => live.cpu(rows[i]!),
  };
}
