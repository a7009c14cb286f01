// The first pass of a replay: caches get their names, the orders of new slabs are learned, the
// recorded machine is put together.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import { isKmalloc } from '../kernel/events/event-kind.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { KernelFacts } from '../recording/kernel-facts.ts';
import { readFacts } from '../recording/read-facts.ts';
import { type CachePlan, planRecorded } from '../replay/machine/cache-plan.ts';
import type { MachineChange } from '../replay/machine/changed-machine.ts';
import { buildMachine, type Machine, type MachineOptions } from '../replay/machine/machine.ts';
import { learnNodes, type MemoryNodes } from '../replay/machine/memory-nodes.ts';
import { PlaceFit } from '../replay/machine/place-fit.ts';
import { strideLayouts } from '../replay/machine/stride-layouts.ts';
import type { FreshOrder } from '../replay/model/fresh-order.ts';
import { learnedOrders } from '../replay/observe/learned-orders.ts';
import { OrderLearner } from '../replay/observe/order-learner.ts';
import { SlubModel } from '../replay/slub-model.ts';
import { type LoadedRun, loadRun, type SourceOptions, type TrackerFactory } from './load-run.ts';
import { openSidecars } from './open-sidecars.ts';
import type { ResolvedRun } from './resolved-run.ts';

/** What the first pass found that the second one goes by. */
export interface PreparedReplay {
  readonly loaded: LoadedRun;
  readonly machine: Machine;
  readonly plan: CachePlan;
  readonly orders: readonly FreshOrder[];
  readonly nodes: MemoryNodes;
  /** CPUs that the events name. */
  readonly cpus: number;
  /** What of the options is another machine than the recorded one; undefined: nothing. */
  readonly change: MachineChange | undefined;
}

/**
 * @param options what the user says of the machine: of what the recording does not tell it describes
 *   the recorded one, of the rest it is a change
 * @param extra trackers of the first pass, as of `loadRun`
 */
export async function prepareReplay(
  source: SourceOptions,
  options: MachineChange,
  extra: readonly TrackerFactory[] = [],
): Promise<PreparedReplay> {
  const sidecars = await openSidecars(source);
  const learners: OrderLearner[] = [];
  const fits: PlaceFit[] = [];
  const learn = (dictionary: Dictionary, info: TraceInfo): OrderLearner => {
    const facts = readFacts(sidecars, info, new Set());
    const machine = buildMachine(facts, sidecars, describing(options, facts, false));
    const layouts = strideLayouts(dictionary.calls, facts, machine);
    const learner = new OrderLearner(dictionary.calls, layouts);
    learners.push(learner);
    return learner;
  };
  const fit = (dictionary: Dictionary, info: TraceInfo): PlaceFit => {
    const facts = readFacts(sidecars, info, new Set());
    const machine = buildMachine(facts, sidecars, describing(options, facts, false));
    const places = new PlaceFit(dictionary.calls, machine, info.format === 'csv');
    fits.push(places);
    return places;
  };
  const isAsked = options.debug !== undefined;
  const loaded = await loadRun(source, [learn, ...(isAsked ? [fit] : []), ...extra]);
  const { run } = loaded;
  const { facts, dictionary } = run;
  const described = describing(options, facts, tellsLayout(run, fits[0]));
  const machine = buildMachine(facts, loaded.sidecars, described);
  const plan = planRecorded({ dictionary, cacheNames: run.names.ofCall }, facts, machine);
  return {
    loaded,
    machine,
    plan,
    orders: learnedOrders(plan, dictionary.calls, learners[0], machine.isRandom),
    nodes: learnNodes(loaded.sidecars.text('zoneinfo.txt'), objectPlaces(run), facts.pageSize),
    cpus: run.tallies.maxCpu + 1,
    change: changeIn(options, described),
  };
}

/** The caches of the recorded machine, empty. */
export function recordedModel(prepared: PreparedReplay): SlubModel {
  const { plan, machine, cpus, nodes, orders } = prepared;
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
  for (let call = 1; call < calls.length; call++) {
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
