import type { Clock, CoordinatorLogger, CoordinatorSettings } from 'nestjs-dtm/server';
import { Machine, Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { SimulatedDatabase } from './simulated-database.js';
import type { SimulatedNetwork } from './simulated-network.js';
import { stopCoordinator, type RunningCoordinator, type Wire } from './wiring.js';

/** Clocks of machines begin to count here. */
export const START_TIME = Date.UTC(2030, 0, 1);

/** Longest times that a dead coordinator stays dead. */
const MOST_DOWN_MS = [500, 5000, 40_000] as const;

/** Name of a process as the holder of leases: no other's is a part of it. */
export function ownerOf(process: string): string {
  return `[${process}]`;
}

/** One run of a coordinator, from its start to its end. */
export interface Incarnation {
  readonly process: Process;
  readonly parts: RunningCoordinator;
}

/** What a machine is connected with. */
export interface NodeEnvironment {
  readonly simulation: Simulation;
  readonly database: SimulatedDatabase;
  readonly network: SimulatedNetwork;
  readonly settings: CoordinatorSettings;
  readonly wire: Wire;
}

/** A machine that runs a coordinator, and starts it again whenever it has ended. */
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

  /** The present run; undefined while it is down. */
  get running(): Incarnation | undefined {
    return this.#incarnation;
  }

  /** The present run, when it takes requests. */
  get serving(): Incarnation | undefined {
    return this.#incarnation?.process.isStopping ? undefined : this.#incarnation;
  }

  /** Starts it, when it is down. */
  async start(): Promise<void> {
    if (this.#incarnation) return;
    this.#cancelStart();
    this.#count += 1;
    const process = new Process('coordinator', `${this.#name}#${this.#count}`, this.machine);
    const { simulation, database, network, settings, wire } = this.#environment;
    simulation.log(process.name, 'starts');
    await database.open(process);
    const parts = wire({
      store: database.connect(process),
      transport: network.transportOf(process),
      clock: this.#clock(process),
      random: simulation.dice.random,
      logger: this.#logger(process),
      settings,
      owner: ownerOf(process.name),
    });
    this.#incarnation = { process, parts };
    process.onDeath(() => this.#ended(process));
    parts.start();
  }

  /** Ends it in order; it is started again later. */
  async stop(): Promise<void> {
    const incarnation = this.serving;
    if (!incarnation) return;
    incarnation.process.isStopping = true;
    this.#environment.simulation.log(incarnation.process.name, 'stops');
    await stopCoordinator(incarnation.parts);
    incarnation.process.kill();
  }

  #ended(process: Process): void {
    const { simulation, database } = this.#environment;
    const { scheduler, dice } = simulation;
    simulation.log(process.name, 'is dead');
    this.#incarnation = undefined;
    void database.lose(process);
    this.#cancelStart = scheduler.after(dice.below(dice.pick(MOST_DOWN_MS)), undefined, () => this.start());
  }

  #clock(process: Process): Clock {
    const { scheduler } = this.#environment.simulation;
    return {
      now: () => START_TIME + scheduler.now + process.machine.clockErrorMs,
      after: (ms, callback) => scheduler.timer(ms, process, callback),
    };
  }

  #logger({ name }: Process): CoordinatorLogger {
    const { simulation } = this.#environment;
    const log = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      simulation.count(`report: ${message}`);
      simulation.log(name, `reports: ${message} ${JSON.stringify(fields)}`);
    };
    return { info: log, warn: log, error: log };
  }
}
