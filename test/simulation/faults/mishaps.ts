import { MOST_CLOCK_ERROR_MS, Process } from '../scheduler/process.js';
import type { Invariants } from '../invariants/invariants.js';
import { BANKS, type Scenario } from '../scenarios/scenario.js';
import type { Simulation } from '../simulation.js';
import type { CoordinatorNode } from '../environment/coordinator-node.js';
import type { SimulatedApi } from '../environment/simulated-api.js';
import type { SimulatedDatabase } from '../environment/simulated-database.js';
import type { SimulatedNetwork } from '../environment/simulated-network.js';
import { MISHAPS, type Faults, type Mishap } from './faults.js';

/** Most mishaps of a kind in a run. */
const MOST = 5;

/** What mishaps happen to. */
export interface MishapTargets {
  readonly simulation: Simulation;
  readonly invariants: Invariants;
  readonly nodes: readonly CoordinatorNode[];
  readonly database: SimulatedDatabase;
  readonly network: SimulatedNetwork;
  readonly api: SimulatedApi;
}

/** Spreads the mishaps of a run over its time. */
export function scheduleMishaps(targets: MishapTargets, scenario: Scenario, faults: Faults): void {
  const { scheduler, dice } = targets.simulation;
  for (const mishap of MISHAPS) {
    const rate = faults.rateOf(mishap);
    if (rate === undefined) continue;
    const count = dice.between(1, Math.ceil(MOST * rate));
    for (let index = 0; index < count; index++) {
      scheduler.after(dice.below(scenario.chaosMs), undefined, () => strike(mishap, targets, scenario));
    }
  }
}

function strike(mishap: Mishap, targets: MishapTargets, scenario: Scenario): unknown {
  const { simulation, invariants, nodes, database, network, api } = targets;
  const { dice, scheduler } = simulation;
  const node = dice.pick(nodes);
  const { gid } = dice.pick(scenario.plans);
  const soon = scheduler.now + dice.between(500, dice.pick([4000, 40_000]));
  simulation.happened(mishap);
  switch (mishap) {
    case 'crash':
      return node.running?.process.kill();
    case 'restart in order':
      return node.stop();
    case 'stall':
      if (node.running) node.running.process.stalledUntil = soon;
      return invariants.disturbed(mishap);
    case 'clock jump':
      node.machine.jump(dice.between(-MOST_CLOCK_ERROR_MS, MOST_CLOCK_ERROR_MS));
      return invariants.disturbed(mishap);
    case 'bank down':
      return network.takeDown(`bank${dice.below(BANKS)}`, soon);
    case 'banks slow':
      network.isSlowUntil = soon + dice.below(60_000);
      return undefined;
    case 'store refuses':
      database.refusesUntil = soon;
      return undefined;
    case 'store slow':
      database.isSlowUntil = soon;
      return invariants.disturbed(mishap);
    case 'operator stops by force':
      invariants.forced(gid);
      return ignore(api.of(new Process('initiator', 'operator')).forceStop(gid));
    case 'operator has one retried':
      return ignore(node.serving?.parts.operator.retryNow(gid));
    case 'operator has all retried':
      return ignore(node.serving?.parts.operator.retryAllNow(0, 100));
    case 'operator has a bank retried':
      return ignore(node.serving?.parts.operator.retryTarget(`http://bank${dice.below(BANKS)}`, 100));
  }
}

/** Operators are told when it does not work, and that is that. */
async function ignore(attempt: Promise<unknown> | undefined): Promise<void> {
  await attempt?.catch(() => undefined);
}
