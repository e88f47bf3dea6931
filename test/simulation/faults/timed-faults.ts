import { MAX_CLOCK_ERROR_MS, Process } from '../scheduler/process.js';
import type { Invariants } from '../invariants/invariants.js';
import { BANKS, type Scenario } from '../scenarios/scenario.js';
import type { Simulation } from '../simulation.js';
import type { CoordinatorNode } from '../environment/coordinator-node.js';
import type { SimulatedApi } from '../environment/simulated-api.js';
import type { SimulatedDatabase } from '../environment/simulated-database.js';
import type { SimulatedNetwork } from '../environment/simulated-network.js';
import { TIMED_FAULTS, type Faults, type TimedFault } from './faults.js';

/** Most timed faults of one kind in a run. */
const MAX_COUNT = 5;

/** The parts of the system that timed faults affect. */
export interface FaultTargets {
  readonly simulation: Simulation;
  readonly invariants: Invariants;
  readonly nodes: readonly CoordinatorNode[];
  readonly database: SimulatedDatabase;
  readonly network: SimulatedNetwork;
  readonly api: SimulatedApi;
}

/** Spreads timed faults over the fault period of a run. */
export function scheduleTimedFaults(targets: FaultTargets, scenario: Scenario, faults: Faults): void {
  const { scheduler, random } = targets.simulation;
  for (const fault of TIMED_FAULTS) {
    const rate = faults.rateOf(fault);
    if (rate === undefined) continue;
    const count = random.between(1, Math.ceil(MAX_COUNT * rate));
    for (let index = 0; index < count; index++) {
      scheduler.after(random.below(scenario.faultPeriodMs), undefined, () => inject(fault, targets, scenario));
    }
  }
}

function inject(fault: TimedFault, targets: FaultTargets, scenario: Scenario): unknown {
  const { simulation, invariants, nodes, database, network, api } = targets;
  const { random, scheduler } = simulation;
  const node = random.pick(nodes);
  const { gid } = random.pick(scenario.plans);
  const soon = scheduler.now + random.between(500, random.pick([4000, 40_000]));
  simulation.happened(fault);
  switch (fault) {
    case 'crash':
      return node.running?.process.kill();
    case 'graceful restart':
      return node.stop();
    case 'stall':
      if (node.running) node.running.process.stalledUntil = soon;
      return invariants.timingChanged(fault);
    case 'clock jump':
      node.machine.adjustClock(random.between(-MAX_CLOCK_ERROR_MS, MAX_CLOCK_ERROR_MS));
      return invariants.timingChanged(fault);
    case 'bank down':
      return network.takeDown(`bank${random.below(BANKS)}`, soon);
    case 'banks slow':
      network.isSlowUntil = soon + random.below(60_000);
      return undefined;
    case 'store refuses':
      database.refusesUntil = soon;
      return undefined;
    case 'store slow':
      database.isSlowUntil = soon;
      return invariants.timingChanged(fault);
    case 'operator force-stops':
      invariants.forceStopRequested(gid);
      return ignore(api.of(new Process('initiator', 'operator')).forceStop(gid));
    case 'operator retries one':
      return ignore(node.serving?.coordinator.retryNow(gid));
    case 'operator retries all':
      return ignore(node.serving?.coordinator.retryAllNow(0, 100));
    case 'operator retries a bank':
      return ignore(node.serving?.coordinator.retryTarget(`http://bank${random.below(BANKS)}`, 100));
  }
}

/** Ignores the error of an operator's request: the operator would see it and go on. */
async function ignore(attempt: Promise<unknown> | undefined): Promise<void> {
  await attempt?.catch(() => undefined);
}
