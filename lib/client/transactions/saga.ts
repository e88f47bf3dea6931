import {
  DtmArgumentError,
  assertSagaPlan,
  encodeSagaPlan,
  type Payload,
  type StepUrls,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { assertBranchUrl } from '../branch/assert-branch-url.js';
import { hasKey, unknownBranches } from '../branch/branch-locator.js';
import type { BranchRef, PayloadArgument } from '../branch/branch-ref.js';
import { encodePayload } from '../payload/payload-codec.js';
import { DeclaredTimeouts } from './declared-timeouts.js';
import type { TransactionDependencies } from './dependencies.js';
import { assertOptions, resolveProtocol, type GlobalTransactionOptions } from './global-transaction-options.js';
import { LazyGid } from './lazy-gid.js';
import { submit } from './submit.js';

/** Options of a saga. */
export interface SagaOptions extends GlobalTransactionOptions {
  /** Calls the steps in parallel, except for the orders set with `Saga.order`. @default false */
  readonly concurrent?: boolean | undefined;
}

/**
 * A saga: steps with an action and a compensation each. The coordinator calls the actions. When an action fails for good,
 * the coordinator calls the compensations of all actions that it has called, in reverse.
 *
 * @example
 * await new Saga({ api }).add({ action: 'http://bank/out', compensate: 'http://bank/undoOut' }, { amount: 30 }).submit();
 */
export class Saga {
  readonly #dependencies: TransactionDependencies;
  readonly #options: SagaOptions;
  readonly #steps: StepUrls[] = [];
  readonly #payloads: Payload[] = [];
  readonly #orders = new Map<number, readonly number[]>();
  readonly #gid: LazyGid;
  readonly #timeouts = new DeclaredTimeouts();

  /**
   * @param dependencies - coordinator, locator, payloads
   * @param options - see {@link SagaOptions}
   * @throws DtmArgumentError when an option is not allowed
   */
  constructor(dependencies: TransactionDependencies, options: SagaOptions = {}) {
    assertOptions(options);
    this.#dependencies = dependencies;
    this.#options = options;
    this.#gid = new LazyGid(dependencies.api, options.gid);
  }

  /**
   * Adds a step.
   *
   * @param branch - URLs, or a reference from `branchOf()`. An empty `compensate` means that nothing has to be undone
   * @param payload - sent to action and compensation: over HTTP as JSON, over gRPC as `PayloadCodec` encodes it. Without a
   *   payload, branches over HTTP are called with GET
   * @throws DtmArgumentError when a URL is malformed or the payload cannot be encoded; DtmConfigError when the branch is not
   *   a saga branch
   */
  add<P>(branch: BranchRef<P>, ...payload: PayloadArgument<NoInfer<P>>): this;
  add(urls: StepUrls, payload?: unknown): this;
  add(branch: StepUrls | BranchRef, payload?: unknown): this {
    const { transport, locator = unknownBranches } = this.#dependencies;
    const urls = hasKey(branch, 'action') ? branch : locator.getSagaUrls(branch);
    const { protocol } = this.#options;
    if (urls.action) assertBranchUrl(urls.action, 'action', protocol, transport);
    if (urls.compensate) assertBranchUrl(urls.compensate, 'compensate', protocol, transport);
    if (!hasKey(branch, 'action')) this.#timeouts.add(locator, branch, urls.action, urls.compensate);
    const encoded = encodePayload(this.#dependencies, urls.action || (urls.compensate ?? ''), payload);
    this.#steps.push({ action: urls.action, compensate: urls.compensate ?? '' });
    this.#payloads.push(encoded);
    return this;
  }

  /**
   * Lets a step of a concurrent saga start after other steps. On rollback the order is reversed.
   *
   * @param step - index of a step that was added before, counted from 0
   * @param after - indices of the steps that must have succeeded before
   * @throws DtmArgumentError when the saga is not concurrent, an index does not exist yet, or the orders form a cycle
   */
  order(step: number, after: readonly number[]): this {
    if (!this.#options.concurrent) {
      throw new DtmArgumentError(
        'order() needs a concurrent saga: without { concurrent: true } the steps run one after the other',
      );
    }
    const orders = new Map(this.#orders).set(step, [...(this.#orders.get(step) ?? []), ...after]);
    assertSagaPlan({ concurrent: true, orders }, this.#steps.length);
    this.#orders.set(step, orders.get(step)!);
    return this;
  }

  /**
   * Submits the saga to the coordinator. Repeated calls submit the same saga, so you can repeat an attempt whose outcome is
   * unknown.
   *
   * @param options - `waitResult`: resolve only when the saga has succeeded
   * @returns the gid
   * @throws DtmFailureError when the coordinator refused the saga, or (waiting) it was rolled back; DtmOngoingError when
   *   (waiting) it is not finished; DtmServerError, DtmConnectionError
   */
  async submit(options: Pick<SagaOptions, 'waitResult'> = {}): Promise<string> {
    if (this.#steps.length === 0)
      throw new DtmArgumentError('a saga needs at least one step; call add() before submit()');
    const gid = await this.#gid.get();
    const own = this.#options;
    const concurrent = own.concurrent ?? false;
    const urls = this.#steps.flatMap(({ action, compensate = '' }) => [action, compensate]);
    const request: TransactionRequest = {
      gid,
      transType: 'saga',
      // written out: spreading the options would take longer than all the rest
      waitResult: options.waitResult ?? own.waitResult,
      timeoutToFailSeconds: own.timeoutToFailSeconds,
      requestTimeoutSeconds: own.requestTimeoutSeconds,
      branchTimeoutSeconds: this.#timeouts.with(own),
      retryIntervalSeconds: own.retryIntervalSeconds,
      retryLimit: own.retryLimit,
      branchHeaders: own.branchHeaders,
      concurrent: own.concurrent,
      steps: this.#steps,
      payloads: this.#payloads,
      customData: encodeSagaPlan({ concurrent, orders: this.#orders }),
      protocol: resolveProtocol(this.#dependencies.api, own, urls, this.#dependencies.transport),
    };
    await submit(this.#dependencies.api, request);
    return gid;
  }
}
