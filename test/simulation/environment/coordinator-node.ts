import type { Clock, CoordinatorLogger, CoordinatorSettings } from 'nestjs-dtm/server';
import { Machine, Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { SimulatedDatabase } from './simulated-database.js';
import type { SimulatedNetwork } from './simulated-network.js';
import { stopCoordinator, type Coordinator, type Wire } from './wiring.js';

/** Initial time of all machine clocks. */
export const START_TIME = Date.UTC(2030, 0, 1);

/** Longest restart delays of a dead coordinator. */
const MAX_DOWN_MS = [500, 5000, 40_000] as const;

/** Name of a process as a lease owner: never a substring of another name. */
export function ownerOf(process: string): string {
  return `[${process}]`;
}

/** One run of a coordinator, from start to exit. */
export interface Incarnation {
  readonly process: Process;
  readonly coordinator: Coordinator;
}

/** Everything that a node is connected to. */
export interface NodeEnvironment {
  readonly simulation: Simulation;
  readonly database: SimulatedDatabase;
  readonly network: SimulatedNetwork;
  readonly settings: CoordinatorSettings;
  readonly wire: Wire;
  readonly observer: LogObserver;
}

/** Is notified of what coordinators log. */
export interface LogObserver {
  logged(process: Process, message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** A machine that runs a coordinator and restarts it after each exit. */
export class CoordinatorNode {
  readonly machine = new Machine();
  readonly #name: string;
  readonly #environment: NodeEnvironment;
  #incarnation: Incarnation | undefined;
  #count = 0;
  #cancelStart: () => void = () => undefined;

  constructor(name: string, environment: NodeEnvironment) {
    this.#name = name;
    this.#environment = environment;
  }

  /** The current run; undefined while the coordinator is down. */
  get running(): Incarnation | undefined {
    return this.#incarnation;
  }

  /** The current run, if it accepts requests. */
  get serving(): Incarnation | undefined {
    return this.#incarnation?.process.isStopping ? undefined : this.#incarnation;
  }

  /** Starts the coordinator unless it runs. */
  async start(): Promise<void> {
    if (this.#incarnation) return;
    this.#cancelStart();
    this.#count += 1;
    const process = new Process('coordinator', `${this.#name}#${this.#count}`, this.machine);
    const { simulation, database, network, settings, wire } = this.#environment;
    simulation.log(process.name, 'starts');
    await database.open(process);
    const coordinator = wire({
      store: database.connect(process),
      transport: network.transportOf(process),
      clock: this.#clock(process),
      random: simulation.random.next,
      logger: this.#logger(process),
      settings,
      owner: ownerOf(process.name),
    });
    this.#incarnation = { process, coordinator };
    process.onDeath(() => this.#ended(process));
    coordinator.start();
  }

  /** Stops the coordinator gracefully; the node restarts it later. */
  async stop(): Promise<void> {
    const incarnation = this.serving;
    if (!incarnation) return;
    incarnation.process.isStopping = true;
    this.#environment.simulation.log(incarnation.process.name, 'stops');
    await stopCoordinator(incarnation.coordinator);
    incarnation.process.kill();
  }

  #ended(process: Process): void {
    const { simulation, database } = this.#environment;
    const { scheduler, random } = simulation;
    simulation.log(process.name, 'is dead');
    this.#incarnation = undefined;
    void database.dropWrites(process);
    this.#cancelStart = scheduler.after(random.below(random.pick(MAX_DOWN_MS)), undefined, () => this.start());
  }

  #clock(process: Process): Clock {
    const { scheduler } = this.#environment.simulation;
    return {
      now: () => START_TIME + scheduler.now + process.machine.clockErrorMs,
      after: (ms, callback) => scheduler.timer(ms, process, callback),
    };
  }

  #logger(process: Process): CoordinatorLogger {
    const { simulation, observer } = this.#environment;
    const log = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      simulation.count(`log: ${message}`);
      simulation.log(process.name, `logs: ${message} ${JSON.stringify(fields)}`);
      observer.logged(process, message, fields);
    };
    return { info: log, warn: log, error: log };
  }
}
