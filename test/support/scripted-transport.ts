import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import type { Clock } from 'nestjs-dtm/server';
import { deferred } from './deferred.js';

export const SUCCESS: Outcome = { kind: 'success', body: '' };
export const FAILURE: Outcome = { kind: 'failure', message: 'refused' };
export const ONGOING: Outcome = { kind: 'ongoing', message: 'not yet' };
export const UNKNOWN: Outcome = { kind: 'unknown', message: 'status 500: boom' };

/** A call that the transport received, with its virtual time. */
export interface TransportCall extends OutgoingBranchCall {
  /** Branch id and operation, e.g. `01 action`. */
  readonly key: string;
  readonly time: number;
}

/** A call that waits for the answer of the test. */
export interface HeldCall {
  /** Resolves when the call arrives. */
  readonly arrived: Promise<TransportCall>;
  /** Answers the call, or the next one if none has arrived. */
  answer(outcome: Outcome): void;
}

type Answer = (call: TransportCall) => Outcome | Promise<Outcome>;

/** Branches without a network: records calls and answers as scripted, by default with success. */
export class ScriptedTransport implements Transport {
  readonly calls: TransportCall[] = [];
  isClosed = false;
  readonly #clock: Clock;
  readonly #scripts = new Map<string, Answer[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Scripts the outcomes of a branch operation: one per call; the last one repeats.
   *
   * @param key - branch id and operation
   */
  answer(key: string, ...outcomes: readonly (Outcome | Answer)[]): this {
    this.#scripts.set(
      key,
      outcomes.map((outcome) => (typeof outcome === 'function' ? outcome : () => outcome)),
    );
    return this;
  }

  /** Holds the next call of a branch operation until the test answers; later calls succeed. */
  hold(key: string): HeldCall {
    const arrival = deferred<TransportCall>();
    const outcome = deferred<Outcome>();
    this.answer(
      key,
      (call) => {
        arrival.resolve(call);
        return outcome.promise;
      },
      SUCCESS,
    );
    return { arrived: arrival.promise, answer: outcome.resolve };
  }

  /** Branch id and operation of each call so far, in order. */
  get keys(): string[] {
    return this.calls.map((call) => call.key);
  }

  /** Virtual times of the calls of one branch operation. */
  timesOf(key: string): number[] {
    return this.calls.filter((call) => call.key === key).map((call) => call.time);
  }

  async call(branchCall: OutgoingBranchCall): Promise<Outcome> {
    const key = `${branchCall.context.branchId} ${branchCall.context.op}`;
    const call = { ...branchCall, key, time: this.#clock.now() };
    this.calls.push(call);
    const script = this.#scripts.get(key);
    const answer = script && script.length > 1 ? script.shift() : script?.[0];
    return answer ? answer(call) : SUCCESS;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
