// A process of its own that replays a recording through the SLUB model, events in memory:
//   node replay.js DIST RECORDING RUNS  →  {"events":…,"observed":seconds,"watched":…,"simulated":…,"whatIf":…}
// `observed` goes by the recorded addresses, `watched` with debug checks beside it, `simulated` lets
// the model choose, `whatIf` does that with slub_debug=FZPU. The best of some runs, each with a model
// of its own.

import { join } from 'node:path';

const [dist, source, runs = '5'] = process.argv.slice(2);
const { BATCH_COLUMNS } = await import(join(dist, 'kernel/events/event-batch.js'));
const { parseSlubDebug } = await import(join(dist, 'kernel/slub/slub-debug-option.js'));
const { readAgain, replayBasis } = await import(join(dist, 'run/observe-run.js'));
const { openRun } = await import(join(dist, 'run/open-run.js'));
const { recordedModel } = await import(join(dist, 'run/prepare-replay.js'));
const { watchDebug } = await import(join(dist, 'run/watch-debug.js'));
const { changeMachine } = await import(join(dist, 'replay/machine/changed-machine.js'));
const { planChanged } = await import(join(dist, 'replay/machine/changed-plan.js'));
const { ObservedReplay } = await import(join(dist, 'replay/observe/observed-replay.js'));
const { Simulation, unlearnedOrders } = await import(join(dist, 'replay/simulate/simulation.js'));

const opened = await openRun({ source }, { replay: {} });
const basis = replayBasis(opened);
const { plan, machine, nodes, cpus, orders } = basis;
const { calls } = opened.run.dictionary;

const batches = [];
await readAgain(opened.source, Infinity, (batch) => {
  const columns = BATCH_COLUMNS.map((name) => [name, batch[name].slice(0, batch.length)]);
  batches.push({ length: batch.length, ...Object.fromEntries(columns) });
});

const change = { debug: parseSlubDebug('FZPU') };
const changed = changeMachine(machine, change);
const changedPlan = planChanged(plan, calls, changed, change, []);
const changedOrders = unlearnedOrders(changedPlan, true);

function watchedReplay() {
  const slub = recordedModel(basis);
  const watch = watchDebug(opened, basis, slub, false);
  return new ObservedReplay(calls, slub, { watch });
}

const makers = {
  observed: () => new ObservedReplay(calls, recordedModel(basis)),
  watched: watchedReplay,
  simulated: () => new Simulation(machine, plan, orders, nodes, calls, cpus),
  whatIf: () => new Simulation(changed, changedPlan, changedOrders, nodes, calls, cpus),
};
const best = { events: batches.reduce((n, { length }) => n + length, 0) };
for (const [name, make] of Object.entries(makers)) {
  for (let run = 0; run < Number(runs); run++) {
    const replay = make();
    const start = performance.now();
    for (const batch of batches) replay.add(batch);
    best[name] = Math.min(best[name] ?? Infinity, (performance.now() - start) / 1e3);
  }
}
process.stdout.write(`${JSON.stringify(best)}\n`);
