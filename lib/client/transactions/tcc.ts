import { DtmArgumentError, branchIds, outcomeError, type BranchContext } from '../../protocol/internal.js';
import { checkBranchUrl, urlsOnly, type BranchRef, type PayloadArgument, type TccUrls } from '../branch/branch-ref.js';
import type { ClientDependencies } from './dependencies.js';
import { DEFAULT_REQUEST_TIMEOUT_SECONDS, WorkCalls, runGlobalWork, type WorkOptions } from './global-work.js';
import { checkOptions } from './global-transaction-options.js';
import { encodeFor, jsonPayloads } from '../payload/payload-codec.js';

/** Options of a TCC transaction. */
export interface TccOptions extends WorkOptions {}

/**
 * A running TCC transaction, or a branch's part of one. {@link runTcc} makes the first,
 * {@link nestedTcc} the second.
 */
export class Tcc {
  /** Global transaction. */
  readonly gid: string;
  readonly #dependencies: ClientDependencies;
  readonly #options: TccOptions;
  readonly #nextBranchId: () => string;
  readonly #calls: WorkCalls;

  /** @internal */
  constructor(dependencies: ClientDependencies, gid: string, parentBranchId: string, options: TccOptions) {
    this.gid = gid;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#nextBranchId = branchIds(parentBranchId);
    this.#calls = new WorkCalls(gid, 'tcc');
  }

  /**
   * Registers a branch's confirm and cancel, then calls its try.
   *
   * @param branch - URLs, or a branch named by code
   * @param payload - sent to try, confirm and cancel, over HTTP as JSON, over gRPC as `PayloadCodec` says; without one
   *   HTTP branches are called with GET
   * @returns what the try returned, over HTTP parsed from JSON; the text itself when it is none
   * @throws DtmFailureError when the try refuses; DtmOngoingError or DtmBranchError when it does not decide: each of them
   *   rolls the transaction back, even when the caller catches it; what `DtmApi.registerBranch` throws
   */
  call<P, R>(branch: BranchRef<P, R>, ...payload: PayloadArgument<NoInfer<P>>): Promise<R>;
  call<R = unknown>(urls: TccUrls, payload?: unknown): Promise<R>;
  call(branch: TccUrls | BranchRef, payload?: unknown): Promise<unknown> {
    return this.#calls.make(() => this.#call(branch, payload));
  }

  /**
   * Waits for all calls, awaited by the work or not; after that no more are made.
   *
   * @internal
   * @throws the first call's error: a branch whose try failed is registered, so submitting would confirm it
   */
  settle(): Promise<void> {
    return this.#calls.settle();
  }

  async #call(branch: TccUrls | BranchRef, payload: unknown): Promise<unknown> {
    const { api, transport, locator = urlsOnly, payloads = jsonPayloads } = this.#dependencies;
    const urls = 'try' in branch ? branch : locator.tccUrls(branch);
    for (const phase of ['try', 'confirm', 'cancel'] as const) {
      if (urls[phase] || phase === 'try') checkBranchUrl(urls[phase], phase, this.#options.protocol, transport);
    }
    const data = encodeFor(this.#dependencies, urls.try, payload);
    const branchId = this.#nextBranchId();
    await api.registerBranch({
      gid: this.gid,
      transType: 'tcc',
      branchId,
      payload: data,
      confirm: urls.confirm,
      cancel: urls.cancel,
    });
    const outcome = await transport.call({
      url: urls.try,
      context: { gid: this.gid, transType: 'tcc', branchId, op: 'try', dtm: api.address },
      payload: data,
      headers: this.#options.branchHeaders,
      timeoutSeconds: this.#options.requestTimeoutSeconds || DEFAULT_REQUEST_TIMEOUT_SECONDS,
    });
    if (outcome.kind === 'success') return payloads.decode(urls.try, outcome.body);
    throw outcomeError(outcome, `try of branch ${branchId} at ${urls.try}`, { gid: this.gid });
  }
}

/**
 * Runs a TCC transaction: prepares it, runs the work, submits it; or aborts it with the reason when the work fails.
 *
 * @param dependencies - coordinator, transport, locator
 * @param work - calls the branches; its error rolls the transaction back and is thrown on unchanged
 * @param options - see {@link TccOptions}
 * @returns what the work returned
 * @throws the work's error; the first failed call's error, even when the work caught it; DtmFailureError when the
 *   transaction had been rolled back meanwhile; with `waitResult` DtmOngoingError when it is not finished; what
 *   `DtmApi` throws
 */
export function runTcc<T>(
  dependencies: ClientDependencies,
  work: (tcc: Tcc) => Promise<T> | T,
  options: TccOptions = {},
): Promise<T> {
  return runGlobalWork(dependencies.api, 'tcc', options, (gid, given) => new Tcc(dependencies, gid, '', given), work);
}

/**
 * Continues a TCC transaction inside one of its branches: branches called here are children of that branch, and are
 * confirmed or cancelled with the whole transaction. They are registered at the application's own
 * coordinator, never at an address taken from the request.
 *
 * @param dependencies - coordinator, transport, locator
 * @param context - context of the branch's own call
 * @param options - options for the calls
 * @throws DtmArgumentError when the context is not that of a TCC try
 */
export function nestedTcc(
  dependencies: ClientDependencies,
  context: BranchContext,
  options: Pick<TccOptions, 'branchHeaders' | 'requestTimeoutSeconds'> = {},
): Tcc {
  checkOptions(options);
  if (context.transType !== 'tcc' || context.op !== 'try') {
    throw new DtmArgumentError(`a nested TCC starts in a try, not in ${context.transType} ${context.op}`, {
      gid: context.gid,
    });
  }
  return new Tcc(dependencies, context.gid, context.branchId, options);
}
