import {
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type DtmApi,
  type TransactionDetails,
  type TransactionRequest,
} from 'nestjs-dtm/protocol';
import { REQUEST_FAULTS } from '../faults/faults.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { CoordinatorNode, Incarnation } from './coordinator-node.js';
import type { RunningCoordinator } from './wiring.js';

/** Longest time for one way as long as nothing is wrong. */
const LATENCY_MS = 20;

/** A client waits this long for an answer. */
const TIMEOUT_MS = 15_000;

/** A late request arrives within this time. */
const MOST_DELAY_MS = 120_000;

/** Whom the API tells what coordinators answered. */
export interface ApiObserver {
  /** A coordinator has answered that it did something. */
  acknowledged(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>): void;
  /** A coordinator has answered with an error. */
  refused(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>, error: unknown): void;
}

/** The API as an initiator sees it; workflows need an operation more. */
export interface InitiatorApi extends DtmApi {
  prepareWorkflow(transaction: TransactionRequest): Promise<TransactionDetails>;
}

interface Request<T> {
  readonly name: string;
  readonly about: Pick<TransactionRequest, 'gid' | 'waitResult'>;
  readonly send: (parts: RunningCoordinator) => Promise<T>;
}

/** Ends a request: with an error, or else with a value. */
type Settle<T> = (error: Error | undefined, value?: T) => void;

/** The way between initiators and coordinators, in which requests and answers get lost, and arrive late or twice. */
export class SimulatedApi {
  readonly #simulation: Simulation;
  readonly #nodes: readonly CoordinatorNode[];
  readonly #observer: ApiObserver;

  constructor(simulation: Simulation, nodes: readonly CoordinatorNode[], observer: ApiObserver) {
    this.#simulation = simulation;
    this.#nodes = nodes;
    this.#observer = observer;
  }

  /** The API for one process; each request goes to any of the coordinators. */
  of(process: Process): InitiatorApi {
    const ask = <T>(
      name: string,
      about: Pick<TransactionRequest, 'gid' | 'waitResult'>,
      send: (parts: RunningCoordinator) => Promise<T>,
    ): Promise<T> => this.#request(process, { name, about, send });
    return {
      address: undefined,
      protocol: 'http',
      newGid: () => Promise.reject(new Error('gids are given by the plan')),
      version: () => Promise.reject(new Error('nobody asks for the version')),
      all: () => Promise.reject(new Error('nobody lists transactions')),
      prepare: (request) => ask('prepare', request, ({ coordinator }) => coordinator.prepare(request)),
      prepareWorkflow: (request) =>
        ask('prepareWorkflow', request, ({ coordinator }) => coordinator.prepareWorkflow(request)),
      submit: (request) => ask('submit', request, ({ coordinator }) => coordinator.submit(request)),
      abort: (request) => ask('abort', request, ({ coordinator }) => coordinator.abort(request)),
      registerBranch: (branch) =>
        ask(`registerBranch ${branch.branchId}`, branch as { gid: string }, ({ coordinator }) =>
          coordinator.registerBranch(branch),
        ),
      query: (gid) => ask('query', { gid }, ({ coordinator }) => coordinator.query(gid)),
      forceStop: (gid) => ask('forceStop', { gid }, ({ operator }) => operator.forceStop(gid)),
      retryNow: (gid) => ask('retryNow', { gid }, ({ operator }) => operator.retryNow(gid)),
      subscribe: () => Promise.reject(new Error('topics are given by the plan')),
      unsubscribe: () => Promise.reject(new Error('topics are given by the plan')),
      deleteTopic: () => Promise.reject(new Error('topics are given by the plan')),
    };
  }

  #request<T>(process: Process, request: Request<T>): Promise<T> {
    if (!process.isAlive) return new Promise(() => undefined);
    const { scheduler, dice } = this.#simulation;
    const text = `${request.name} ${request.about.gid}`;
    const kinds =
      process.kind === 'initiator' ? REQUEST_FAULTS : REQUEST_FAULTS.filter((kind) => !kind.startsWith('client'));
    const fault = this.#simulation.fault(kinds, process);
    this.#simulation.log(process.name, `asks ${text}`);
    return new Promise<T>((resolve, reject) => {
      if (fault === 'client crash before request') return process.kill();
      let isOpen = true;
      const settle: Settle<T> = (error, value) => {
        if (!isOpen) return;
        isOpen = false;
        cancelTimeout();
        this.#simulation.log(process.name, `is told ${error ? String(error) : 'ok'} to ${text}`);
        if (error) reject(error);
        else resolve(value as T);
      };
      const cancelTimeout = scheduler.after(TIMEOUT_MS, process, () =>
        settle(new DtmConnectionError('no answer in time')),
      );
      const answer: Settle<T> = (error, value) => {
        if (fault !== 'answer to request lost') scheduler.after(this.#latency(), process, () => settle(error, value));
      };
      const deliver = (ms: number): void => void scheduler.after(ms, undefined, () => this.#arrive(request, answer));
      switch (fault) {
        case 'request refused':
          return answer(new DtmConnectionError('connection refused'));
        case 'request lost':
          return undefined;
        case 'request late':
          return deliver(dice.below(MOST_DELAY_MS));
        case 'request duplicated':
          deliver(dice.below(dice.pick([5, 50, MOST_DELAY_MS])));
          return deliver(this.#latency());
        default:
          deliver(this.#latency());
          if (fault === 'client crash after request') process.kill();
      }
    });
  }

  /** A request comes in at one of the coordinators, which takes it when its event loop turns. */
  #arrive<T>(request: Request<T>, answer: Settle<T>): void {
    const { scheduler, dice } = this.#simulation;
    const incarnation = dice.pick(this.#nodes).serving;
    if (!incarnation) return answer(new DtmConnectionError('connection refused'));
    const { process } = incarnation;
    const forget = process.onDeath(() => answer(new DtmConnectionError('connection reset')));
    scheduler.after(0, process, () => {
      this.#simulation.log(process.name, `is asked ${request.name} ${request.about.gid}`);
      void this.#serve(request, incarnation).then(([error, value]) => {
        if (!process.isAlive) return;
        forget();
        answer(error, value);
      });
    });
  }

  async #serve<T>({ name, about, send }: Request<T>, { process, parts }: Incarnation): Promise<Parameters<Settle<T>>> {
    try {
      const value = await send(parts);
      if (process.isAlive) this.#observer.acknowledged(name, about);
      return [undefined, value];
    } catch (error) {
      if (process.isAlive) this.#observer.refused(name, about, error);
      return [asClientSees(error)];
    }
  }

  #latency(): number {
    return this.#simulation.dice.below(LATENCY_MS);
  }
}

/** An error as it arrives at a client. */
function asClientSees(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DtmFailureError) return new DtmFailureError(message);
  return error instanceof DtmOngoingError ? new DtmOngoingError(message) : new DtmServerError(message);
}
