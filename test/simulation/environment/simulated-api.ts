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
import type { Coordinator } from './wiring.js';

/** Longest latency of one direction without faults. */
const LATENCY_MS = 20;

/** Request time-out of a client. */
const TIMEOUT_MS = 15_000;

/** Longest delay of a late request. */
const MAX_DELAY_MS = 120_000;

/** Is notified of the answers of coordinators. */
export interface ApiObserver {
  /** A coordinator answered with success. */
  acknowledged(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>): void;
  /** A coordinator answered with an error. */
  refused(operation: string, request: Pick<TransactionRequest, 'gid' | 'waitResult'>, error: unknown): void;
}

/** The API of an initiator, with the operation that workflows need. */
export interface InitiatorApi extends DtmApi {
  prepareWorkflow(transaction: TransactionRequest): Promise<TransactionDetails>;
}

interface Request<T> {
  readonly name: string;
  readonly about: Pick<TransactionRequest, 'gid' | 'waitResult'>;
  readonly send: (coordinator: Coordinator) => Promise<T>;
}

/** Completes a request with an error or a value. */
type Settle<T> = (error: Error | undefined, value?: T) => void;

/** The network between initiators and coordinators: loses, delays and duplicates requests and answers. */
export class SimulatedApi {
  readonly #simulation: Simulation;
  readonly #nodes: readonly CoordinatorNode[];
  readonly #observer: ApiObserver;

  constructor(simulation: Simulation, nodes: readonly CoordinatorNode[], observer: ApiObserver) {
    this.#simulation = simulation;
    this.#nodes = nodes;
    this.#observer = observer;
  }

  /** The API for one process. Each request goes to a random coordinator. */
  of(process: Process): InitiatorApi {
    const ask = <T>(
      name: string,
      about: Pick<TransactionRequest, 'gid' | 'waitResult'>,
      send: (coordinator: Coordinator) => Promise<T>,
    ): Promise<T> => this.#request(process, { name, about, send });
    return {
      address: undefined,
      protocol: 'http',
      newGid: () => Promise.reject(new Error('not simulated: the plan contains the gid')),
      version: () => Promise.reject(new Error('not simulated: version')),
      all: () => Promise.reject(new Error('not simulated: all')),
      prepare: (request) => ask('prepare', request, (coordinator) => coordinator.prepare(request)),
      prepareWorkflow: (request) =>
        ask('prepareWorkflow', request, (coordinator) => coordinator.prepareWorkflow(request)),
      submit: (request) => ask('submit', request, (coordinator) => coordinator.submit(request)),
      abort: (request) => ask('abort', request, (coordinator) => coordinator.abort(request)),
      registerBranch: (branch) =>
        ask(`registerBranch ${branch.branchId}`, branch as { gid: string }, (coordinator) =>
          coordinator.registerBranch(branch),
        ),
      query: (gid) => ask('query', { gid }, (coordinator) => coordinator.query(gid)),
      forceStop: (gid) => ask('forceStop', { gid }, (coordinator) => coordinator.forceStop(gid)),
      retryNow: (gid) => ask('retryNow', { gid }, (coordinator) => coordinator.retryNow(gid)),
      subscribe: () => Promise.reject(new Error('not simulated: the plan contains the topics')),
      unsubscribe: () => Promise.reject(new Error('not simulated: the plan contains the topics')),
      deleteTopic: () => Promise.reject(new Error('not simulated: the plan contains the topics')),
    };
  }

  #request<T>(process: Process, request: Request<T>): Promise<T> {
    if (!process.isAlive) return new Promise(() => undefined);
    const { scheduler, random } = this.#simulation;
    const text = `${request.name} ${request.about.gid}`;
    const kinds =
      process.kind === 'initiator' ? REQUEST_FAULTS : REQUEST_FAULTS.filter((kind) => !kind.startsWith('client'));
    const fault = this.#simulation.fault(kinds, process);
    this.#simulation.log(process.name, `requests ${text}`);
    return new Promise<T>((resolve, reject) => {
      if (fault === 'client crash before request') return process.kill();
      let isOpen = true;
      const settle: Settle<T> = (error, value) => {
        if (!isOpen) return;
        isOpen = false;
        cancelTimeout();
        this.#simulation.log(process.name, `got ${error ? String(error) : 'ok'} from ${text}`);
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
          return deliver(random.below(MAX_DELAY_MS));
        case 'request duplicated':
          deliver(random.below(random.pick([5, 50, MAX_DELAY_MS])));
          return deliver(this.#latency());
        default:
          deliver(this.#latency());
          if (fault === 'client crash after request') process.kill();
      }
    });
  }

  /** Delivers a request to a random coordinator, which handles the request in its next event. */
  #arrive<T>(request: Request<T>, answer: Settle<T>): void {
    const { scheduler, random } = this.#simulation;
    const incarnation = random.pick(this.#nodes).serving;
    if (!incarnation) return answer(new DtmConnectionError('connection refused'));
    const { process } = incarnation;
    const forget = process.onDeath(() => answer(new DtmConnectionError('connection reset')));
    scheduler.after(0, process, () => {
      this.#simulation.log(process.name, `receives ${request.name} ${request.about.gid}`);
      void this.#serve(request, incarnation).then(([error, value]) => {
        if (!process.isAlive) return;
        forget();
        answer(error, value);
      });
    });
  }

  async #serve<T>(
    { name, about, send }: Request<T>,
    { process, coordinator }: Incarnation,
  ): Promise<Parameters<Settle<T>>> {
    try {
      const value = await send(coordinator);
      if (process.isAlive) this.#observer.acknowledged(name, about);
      return [undefined, value];
    } catch (error) {
      if (process.isAlive) this.#observer.refused(name, about, error);
      return [clientError(error)];
    }
  }

  #latency(): number {
    return this.#simulation.random.below(LATENCY_MS);
  }
}

/** Converts an error to the error that a client gets. */
function clientError(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DtmFailureError) return new DtmFailureError(message);
  return error instanceof DtmOngoingError ? new DtmOngoingError(message) : new DtmServerError(message);
}
