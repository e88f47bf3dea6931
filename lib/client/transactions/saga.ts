import {
  DtmArgumentError,
  checkSagaPlan,
  encodeSagaPlan,
  type Payload,
  type StepUrls,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { checkBranchUrl, urlsOnly, type BranchRef, type PayloadArgument } from '../branch/branch-ref.js';
import type { SubmitDependencies } from './dependencies.js';
import { checkOptions, protocolFor, type GlobalTransactionOptions } from './global-transaction-options.js';
import { LazyGid } from './lazy-gid.js';
import { encodeFor } from '../payload/payload-codec.js';
import { submit } from './submit.js';

/** Options of a saga. */
export interface SagaOptions extends GlobalTransactionOptions {
  /** Call the steps in parallel, but for the orders set with {@link Saga.order}. @default false */
  readonly concurrent?: boolean | undefined;
}

/**
 * A saga: steps with an action and a compensation each. The coordinator calls the actions; when one fails for good it
 * calls the compensations of those that were, or may have been, called, in reverse.
 *
 * @example
 * await new Saga({ api }).add({ action: 'http://bank/out', compensate: 'http://bank/undoOut' }, { amount: 30 }).submit();
 */
export class Saga {
  readonly #dependencies: SubmitDependencies;
  readonly #options: SagaOptions;
  readonly #steps: StepUrls[] = [];
  readonly #payloads: Payload[] = [];
  readonly #orders = new Map<number, readonly number[]>();
  readonly #gid: LazyGid;

  /**
   * @param dependencies - coordinator, locator, payloads
   * @param options - see {@link SagaOptions}
   * @throws DtmArgumentError when an option is not allowed
   */
  constructor(dependencies: SubmitDependencies, options: SagaOptions = {}) {
    checkOptions(options);
    this.#dependencies = dependencies;
    this.#options = options;
    this.#gid = new LazyGid(dependencies.api, options.gid);
  }

  /**
   * Adds a step.
   *
   * @param branch - URLs (an empty `compensate` means nothing to undo), or a branch named by code
   * @param payload - sent to action and compensation, over HTTP as JSON, over gRPC as `PayloadCodec` says; without one
   *   HTTP branches are called with GET
   * @throws DtmArgumentError when a URL is malformed or the payload cannot be encoded; DtmConfigError when the branch is not
   *   a saga branch
   */
  add<P>(branch: BranchRef<P>, ...payload: PayloadArgument<NoInfer<P>>): this;
  add(urls: StepUrls, payload?: unknown): this;
  add(branch: StepUrls | BranchRef, payload?: unknown): this {
    const { transport, locator = urlsOnly } = this.#dependencies;
    const urls = 'action' in branch ? branch : locator.sagaUrls(branch);
    const { protocol } = this.#options;
    if (urls.action) checkBranchUrl(urls.action, 'action', protocol, transport);
    if (urls.compensate) checkBranchUrl(urls.compensate, 'compensate', protocol, transport);
    const encoded = encodeFor(this.#dependencies, urls.action || (urls.compensate ?? ''), payload);
    this.#steps.push({ action: urls.action, compensate: urls.compensate ?? '' });
    this.#payloads.push(encoded);
    return this;
  }

  /**
   * Makes a step of a concurrent saga wait for others; on rollback they wait for it.
   *
   * @param step - index of a step added before, counted from 0
   * @param after - indices of the steps that must have succeeded before
   * @throws DtmArgumentError when the saga is not concurrent, an index does not exist yet, or steps would wait in a circle
   */
  order(step: number, after: readonly number[]): this {
    if (!this.#options.concurrent) {
      throw new DtmArgumentError(
        'order() needs a concurrent saga; without { concurrent: true } steps run one after the other anyway',
      );
    }
    const orders = new Map(this.#orders).set(step, [...(this.#orders.get(step) ?? []), ...after]);
    checkSagaPlan({ concurrent: true, orders }, this.#steps.length);
    this.#orders.set(step, orders.get(step)!);
    return this;
  }

  /**
   * Hands the saga to the coordinator. It is one saga however often this is called, so that an attempt whose outcome is
   * unknown can be repeated.
   *
   * @param options - `waitResult`: resolve only when the saga succeeded
   * @returns the gid
   * @throws DtmFailureError when the coordinator refused it, or (waiting) it was rolled back; DtmOngoingError when
   *   (waiting) it is not finished; DtmServerError, DtmConnectionError
   */
  async submit(options: Pick<SagaOptions, 'waitResult'> = {}): Promise<string> {
    if (this.#steps.length === 0)
      throw new DtmArgumentError('a saga needs at least one step; add() one before submit()');
    const gid = await this.#gid.get();
    const concurrent = this.#options.concurrent ?? false;
    const urls = this.#steps.flatMap(({ action, compensate = '' }) => [action, compensate]);
    const own = this.#options;
    const request: TransactionRequest = {
      gid,
      transType: 'saga',
      // written out: spread in, they would take longer than all the rest
      waitResult: options.waitResult ?? own.waitResult,
      timeoutToFailSeconds: own.timeoutToFailSeconds,
      requestTimeoutSeconds: own.requestTimeoutSeconds,
      retryIntervalSeconds: own.retryIntervalSeconds,
      retryLimit: own.retryLimit,
      branchHeaders: own.branchHeaders,
      concurrent: own.concurrent,
      steps: this.#steps,
      payloads: this.#payloads,
      customData: encodeSagaPlan({ concurrent, orders: this.#orders }),
      protocol: protocolFor(this.#dependencies.api, own, urls, this.#dependencies.transport),
    };
    await submit(this.#dependencies.api, request);
    return gid;
  }
}
