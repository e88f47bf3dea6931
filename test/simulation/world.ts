import { Bank } from './bank/bank.js';
import { Branches } from './bank/branches.js';
import { XaBranches } from './bank/xa-branches.js';
import { NO_FAULTS } from './faults/faults.js';
import { scheduleMishaps } from './faults/mishaps.js';
import { InitiatorHost } from './initiators/initiator-host.js';
import { Invariants } from './invariants/invariants.js';
import { MOST_SUBSCRIBERS, bankUrl, initiatorUrl, topicOf } from './scenarios/plan.js';
import { BANKS, type Scenario } from './scenarios/scenario.js';
import { MOST_CLOCK_ERROR_MS, Process } from './scheduler/process.js';
import { Simulation, type Coverage, type Violation } from './simulation.js';
import { CoordinatorNode, START_TIME } from './environment/coordinator-node.js';
import { SimulatedApi } from './environment/simulated-api.js';
import { SimulatedDatabase } from './environment/simulated-database.js';
import { SimulatedNetwork } from './environment/simulated-network.js';
import { wireCoordinator, type Wire } from './environment/wiring.js';

/** Timers may come so late once all is well: looking every second through hours in which nothing is due takes long. */
const CALM_LATENESS_MS = 60_000;

/** Longer than any lease. */
const LONGEST_LEASE_MS = 60_000;

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  /** Events that happened. */
  readonly events: number;
  /** Simulated milliseconds. */
  readonly duration: number;
  /** Hash of the trace: the same for the same run. */
  readonly hash: string;
  /** The trace, when it was asked for. */
  readonly trace: string;
  readonly coverage: Coverage;
  /** The invariant that does not hold; undefined = all do. */
  readonly violation: Violation | undefined;
}

/** How a world is run. */
export interface WorldOptions {
  /** Keep the trace as text. @default false */
  readonly keepsTrace?: boolean;
  /** Puts coordinators together. @default as the package does */
  readonly wire?: Wire;
}

/** A world with coordinators, banks and initiators, in which things go wrong for a while. */
export class World {
  readonly #scenario: Scenario;
  readonly #simulation: Simulation;
  readonly #invariants: Invariants;
  readonly #database: SimulatedDatabase;
  readonly #network: SimulatedNetwork;
  readonly #nodes: readonly CoordinatorNode[];
  readonly #api: SimulatedApi;
  readonly #banks: Bank[] = [];
  readonly #xaBranches: XaBranches[] = [];
  #calmTime = Infinity;

  constructor(scenario: Scenario, { keepsTrace = false, wire = wireCoordinator }: WorldOptions = {}) {
    this.#scenario = scenario;
    const { seed, plans, settings, database, coordinators, skewMs } = scenario;
    const simulation = new Simulation(seed, keepsTrace);
    this.#simulation = simulation;
    // a skew as long as the margin of the lease leaves nothing of it
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
        }),
    );
    this.#nodes[1]?.machine.jump(skewMs);
    this.#api = new SimulatedApi(simulation, this.#nodes, this.#invariants);
    for (let index = 0; index < BANKS; index++) this.#openBank(`bank${index}`);
  }

  /** Lets everything happen; never throws for a violation. */
  async run(): Promise<RunResult> {
    let violation: Violation | undefined;
    const unhandled = (error: unknown): void => this.#simulation.violate('errors', `nobody handles ${String(error)}`);
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
    scheduler.mostLatenessMs = this.#scenario.latenessMs;
    const faults = this.#scenario.faults(this.#simulation.dice);
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
    scheduleMishaps(targets, this.#scenario, faults);
    scheduler.after(this.#scenario.chaosMs, undefined, () => this.#calm());
    while (this.#calmTime === Infinity) await this.#step();
    await this.#finish();
    this.#invariants.ended(
      this.#banks,
      this.#xaBranches.flatMap((branches) => branches.open),
    );
    await this.#step();
    if (this.#scenario.isPruned) await this.#prune();
  }

  /** Waits until everything that was begun has come to its end, and everything that is late has arrived. */
  async #finish(): Promise<void> {
    const { scheduler } = this.#simulation;
    const end = this.#calmTime + this.#patience;
    for (;;) {
      const unfinished = this.#invariants.unfinished;
      if (scheduler.next === Infinity && unfinished.length === 0) return;
      if (scheduler.now > end && unfinished.length > 0) {
        const names = unfinished.map(({ plan, status }) => `${plan.gid} (${plan.mode}) is ${status}`);
        this.#simulation.violate('I5', `not at its end in time: ${names.join()}`);
      }
      // what was given up while things went wrong is held until its lease is over
      if (scheduler.next === Infinity && scheduler.now > this.#calmTime + LONGEST_LEASE_MS) {
        this.#invariants.atRest(this.#nodes.flatMap(({ running }) => running?.process ?? []));
      }
      if (!(await this.#step())) this.#simulation.violate('I5', 'nothing happens any more');
    }
  }

  /** Waits until everything that is final is deleted. */
  async #prune(): Promise<void> {
    const { scheduler } = this.#simulation;
    // a round of deletion begins every hour at the latest
    const patience = this.#scenario.settings.retentionSeconds * 1000 + 3_600_000 + 2 * MOST_CLOCK_ERROR_MS + 600_000;
    const end = scheduler.now + patience;
    while (this.#database.size > this.#invariants.waiting) {
      if (scheduler.now > end) this.#simulation.violate('I10', `${this.#database.size} are still stored`);
      await this.#step();
    }
  }

  /** Starts the coordinators and subscribes to the topics, while nothing goes wrong. */
  async #prepare(): Promise<void> {
    for (const node of this.#nodes) await node.start();
    const { topics } = this.#nodes[0]!.running!.parts;
    for (let subscribers = 1; subscribers <= MOST_SUBSCRIBERS; subscribers++) {
      for (let bank = 0; bank < subscribers; bank++) {
        await this.#stepUntil(topics.subscribe(topicOf(subscribers), bankUrl(bank, 'action'), ''));
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

  /** Nothing goes wrong any more; clocks stay as they are. */
  #calm(): void {
    const { scheduler } = this.#simulation;
    this.#simulation.log('world', 'all is well from here on');
    this.#simulation.useFaults(NO_FAULTS);
    this.#database.refusesUntil = 0;
    this.#database.isSlowUntil = 0;
    this.#network.isSlowUntil = 0;
    for (let index = 0; index < BANKS; index++) this.#network.takeDown(`bank${index}`, 0);
    for (const node of this.#nodes) {
      if (node.running) node.running.process.stalledUntil = 0;
      else void node.start();
    }
    scheduler.mostLatenessMs = CALM_LATENESS_MS;
    this.#calmTime = scheduler.now;
  }

  /** How long everything may take to come to its end once all is well. */
  get #patience(): number {
    const { settings, plans } = this.#scenario;
    const seconds = plans.map(({ options, ...plan }) => {
      const { timeoutToFailSeconds = 0, requestTimeoutSeconds = 0 } = options;
      return timeoutToFailSeconds + 2 * requestTimeoutSeconds + (plan.mode === 'msg' ? plan.delaySeconds : 0);
    });
    const pauses = 3 * 1.1 * settings.maxRetryIntervalSeconds + settings.timeoutToFailSeconds;
    // what is late arrives within five minutes, and may only then begin
    const all = Math.max(...seconds) + pauses + 2 * settings.requestTimeoutSeconds + 20 + 300;
    return all * 1000 + 2 * MOST_CLOCK_ERROR_MS + 10 * CALM_LATENESS_MS;
  }

  #step(): Promise<boolean> {
    return this.#simulation.step(({ machine }) => this.#database.dueTime - START_TIME - machine.clockErrorMs);
  }
}
