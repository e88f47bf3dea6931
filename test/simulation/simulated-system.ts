import { Bank } from './bank/bank.js';
import { Branches } from './bank/branches.js';
import { XaBranches } from './bank/xa-branches.js';
import { NO_FAULTS } from './faults/faults.js';
import { scheduleTimedFaults } from './faults/timed-faults.js';
import { InitiatorHost } from './initiators/initiator-host.js';
import { Invariants } from './invariants/invariants.js';
import { MAX_SUBSCRIBERS, bankUrl, initiatorUrl, topicOf } from './scenarios/plan.js';
import { BANKS, type Scenario } from './scenarios/scenario.js';
import { MAX_CLOCK_ERROR_MS, Process } from './scheduler/process.js';
import { Simulation, type Coverage, type Violation } from './simulation.js';
import { CoordinatorNode, START_TIME } from './environment/coordinator-node.js';
import { SimulatedApi } from './environment/simulated-api.js';
import { SimulatedDatabase } from './environment/simulated-database.js';
import { SimulatedNetwork } from './environment/simulated-network.js';
import { wireCoordinator, type Wire } from './environment/wiring.js';

/** Lateness of idle timers after the fault period: polling every second through hours without due work would be slow. */
const LATENESS_AFTER_FAULTS_MS = 60_000;

/** No lease lasts longer. */
const LONGEST_LEASE_MS = 60_000;

/** Result of a run. */
export interface RunResult {
  readonly seed: number;
  /** Number of executed events. */
  readonly events: number;
  /** Simulated milliseconds. */
  readonly duration: number;
  /** Hash of the trace: equal runs have equal hashes. */
  readonly hash: string;
  /** The trace; empty unless `keepsTrace` is set. */
  readonly trace: string;
  readonly coverage: Coverage;
  /** The first violated invariant; undefined = all invariants hold. */
  readonly violation: Violation | undefined;
}

/** Options of a simulated system. */
export interface SimulatedSystemOptions {
  /** Keeps the trace as text. @default false */
  readonly keepsTrace?: boolean;
  /** Creates coordinators. @default the wiring of the package */
  readonly wire?: Wire;
}

/** Coordinators, banks and initiators under simulation. Faults are injected for a period; then everything must finish. */
export class SimulatedSystem {
  readonly #scenario: Scenario;
  readonly #simulation: Simulation;
  readonly #invariants: Invariants;
  readonly #database: SimulatedDatabase;
  readonly #network: SimulatedNetwork;
  readonly #nodes: readonly CoordinatorNode[];
  readonly #api: SimulatedApi;
  readonly #banks: Bank[] = [];
  readonly #xaBranches: XaBranches[] = [];
  #faultsEndTime = Infinity;

  constructor(scenario: Scenario, { keepsTrace = false, wire = wireCoordinator }: SimulatedSystemOptions = {}) {
    this.#scenario = scenario;
    const { seed, plans, settings, database, coordinators, skewMs } = scenario;
    const simulation = new Simulation(seed, keepsTrace);
    this.#simulation = simulation;
    // a clock skew as long as the safety margin of a lease uses the margin up
    this.#invariants = new Invariants(simulation, plans, settings, database, Math.abs(skewMs) < 10_000);
    this.#database = new SimulatedDatabase(simulation, database, this.#invariants);
    this.#network = new SimulatedNetwork(simulation, this.#invariants);
    this.#nodes = Array.from(
      { length: coordinators },
      (_, index) =>
        new CoordinatorNode(`dtm${index}`, {
          simulation,
          database: this.#database,
          network: this.#network,
          settings,
          wire,
          observer: this.#invariants,
        }),
    );
    this.#nodes[1]?.machine.adjustClock(skewMs);
    this.#api = new SimulatedApi(simulation, this.#nodes, this.#invariants);
    for (let index = 0; index < BANKS; index++) this.#openBank(`bank${index}`);
  }

  /** Runs the scenario to its end. Returns a violation, never throws it. */
  async run(): Promise<RunResult> {
    let violation: Violation | undefined;
    const unhandled = (error: unknown): void =>
      this.#simulation.violate('errors', `unhandled rejection: ${String(error)}`);
    process.on('unhandledRejection', unhandled);
    try {
      await this.#run();
    } catch (error) {
      violation = error as Violation;
    } finally {
      process.off('unhandledRejection', unhandled);
    }
    const { scheduler, trace, coverage } = this.#simulation;
    return {
      seed: this.#scenario.seed,
      events: scheduler.events,
      duration: scheduler.now,
      trace: trace.text,
      hash: trace.digest(),
      coverage,
      violation,
    };
  }

  async #run(): Promise<void> {
    const { scheduler } = this.#simulation;
    await this.#prepare();
    scheduler.maxLatenessMs = this.#scenario.latenessMs;
    const faults = this.#scenario.faults(this.#simulation.random);
    this.#simulation.useFaults(faults);
    for (const plan of this.#scenario.plans) this.#addInitiator(plan);
    const targets = {
      simulation: this.#simulation,
      invariants: this.#invariants,
      nodes: this.#nodes,
      database: this.#database,
      network: this.#network,
      api: this.#api,
    };
    scheduleTimedFaults(targets, this.#scenario, faults);
    scheduler.after(this.#scenario.faultPeriodMs, undefined, () => this.#endFaults());
    while (this.#faultsEndTime === Infinity) await this.#step();
    await this.#finish();
    this.#invariants.ended(
      this.#banks,
      this.#xaBranches.flatMap((branches) => branches.open),
    );
    await this.#step();
    if (this.#scenario.isPruned) await this.#prune();
  }

  /** Waits until every transaction has finished and every delayed call has arrived. */
  async #finish(): Promise<void> {
    const { scheduler } = this.#simulation;
    const end = this.#faultsEndTime + this.#finishTimeoutMs;
    for (;;) {
      const unfinished = this.#invariants.unfinished;
      if (scheduler.next === Infinity && unfinished.length === 0) return;
      if (scheduler.now > end && unfinished.length > 0) {
        const names = unfinished.map(({ plan, status }) => `${plan.gid} (${plan.mode}) is ${status}`);
        this.#simulation.violate('I5', `not finished in time: ${names.join()}`);
      }
      // a transaction that a process abandoned during the fault period stays leased until the lease expires
      if (scheduler.next === Infinity && scheduler.now > this.#faultsEndTime + LONGEST_LEASE_MS) {
        this.#invariants.checkIdle(this.#nodes.flatMap(({ running }) => running?.process ?? []));
      }
      if (!(await this.#step())) this.#simulation.violate('I5', 'no event is left');
    }
  }

  /** Waits until every final transaction is deleted. */
  async #prune(): Promise<void> {
    const { scheduler } = this.#simulation;
    // a deletion round starts at least every hour
    const timeoutMs = this.#scenario.settings.retentionSeconds * 1000 + 3_600_000 + 2 * MAX_CLOCK_ERROR_MS + 600_000;
    const end = scheduler.now + timeoutMs;
    while (this.#database.size > this.#invariants.waiting) {
      if (scheduler.now > end) this.#simulation.violate('I10', `${this.#database.size} are still stored`);
      await this.#step();
    }
  }

  /** Starts the coordinators and subscribes to the topics, without faults. */
  async #prepare(): Promise<void> {
    for (const node of this.#nodes) await node.start();
    const { coordinator } = this.#nodes[0]!.running!;
    for (let subscribers = 1; subscribers <= MAX_SUBSCRIBERS; subscribers++) {
      for (let bank = 0; bank < subscribers; bank++) {
        await this.#stepUntil(coordinator.subscribe(topicOf(subscribers), bankUrl(bank, 'action'), ''));
      }
    }
  }

  async #stepUntil(done: Promise<unknown>): Promise<void> {
    const state = { isDone: false };
    void done.then(() => (state.isDone = true));
    while (!state.isDone) await this.#step();
  }

  #openBank(name: string): void {
    const bank = new Bank(name, this.#invariants);
    const branches = new Branches(bank, this.#invariants);
    const xaBranches = new XaBranches(bank, this.#api.of(new Process('bank', name)), this.#invariants);
    this.#banks.push(bank);
    this.#xaBranches.push(xaBranches);
    this.#network.mount(name, {
      handle: (call) => (call.context.transType === 'xa' ? xaBranches.handle(call) : branches.handle(call)),
    });
  }

  #addInitiator(plan: Scenario['plans'][number]): void {
    const host = new InitiatorHost(plan, {
      simulation: this.#simulation,
      bank: this.#banks[0]!,
      observer: this.#invariants,
      api: (process) => this.#api.of(process),
      transport: (process) => this.#network.transportOf(process),
    });
    this.#network.mount(new URL(initiatorUrl(plan.gid)).host, host);
    this.#simulation.scheduler.after(plan.startMs, undefined, () => host.initiate());
  }

  /** Ends the fault period. Clock errors remain. */
  #endFaults(): void {
    const { scheduler } = this.#simulation;
    this.#simulation.log('simulation', 'the fault period ends');
    this.#simulation.useFaults(NO_FAULTS);
    this.#database.refusesUntil = 0;
    this.#database.isSlowUntil = 0;
    this.#network.isSlowUntil = 0;
    for (let index = 0; index < BANKS; index++) this.#network.takeDown(`bank${index}`, 0);
    for (const node of this.#nodes) {
      if (node.running) node.running.process.stalledUntil = 0;
      else void node.start();
    }
    scheduler.maxLatenessMs = LATENESS_AFTER_FAULTS_MS;
    this.#faultsEndTime = scheduler.now;
  }

  /** How long all transactions may take to finish after the fault period. */
  get #finishTimeoutMs(): number {
    const { settings, plans } = this.#scenario;
    const seconds = plans.map(({ options, ...plan }) => {
      const { timeoutToFailSeconds = 0, requestTimeoutSeconds = 0 } = options;
      return timeoutToFailSeconds + 2 * requestTimeoutSeconds + (plan.mode === 'msg' ? plan.delaySeconds : 0);
    });
    const pauses = 3 * 1.1 * settings.maxRetryIntervalSeconds + settings.timeoutToFailSeconds;
    // a late call arrives within five minutes, and its transaction may start only then
    const all = Math.max(...seconds) + pauses + 2 * settings.requestTimeoutSeconds + 20 + 300;
    return all * 1000 + 2 * MAX_CLOCK_ERROR_MS + 10 * LATENESS_AFTER_FAULTS_MS;
  }

  #step(): Promise<boolean> {
    return this.#simulation.step(({ machine }) => this.#database.dueTime - START_TIME - machine.clockErrorMs);
  }
}
