import { branchIds, outcomeError } from '../../protocol/internal.js';
import { checkBranchUrl, urlsOnly, type BranchRef, type PayloadArgument } from '../branch/branch-ref.js';
import type { ClientDependencies } from './dependencies.js';
import { DEFAULT_REQUEST_TIMEOUT_SECONDS, WorkCalls, runGlobalWork, type WorkOptions } from './global-work.js';
import { encodeFor, jsonPayloads } from '../payload/payload-codec.js';

/** Options of an XA transaction. */
export interface XaOptions extends WorkOptions {}

/** A running XA transaction; {@link runXa} makes it. */
export class XaTransaction {
  /** Global transaction. */
  readonly gid: string;
  readonly #dependencies: ClientDependencies;
  readonly #options: XaOptions;
  readonly #nextBranchId = branchIds();
  readonly #calls: WorkCalls;

  /** @internal */
  constructor(dependencies: ClientDependencies, gid: string, options: XaOptions) {
    this.gid = gid;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#calls = new WorkCalls(gid, 'xa');
  }

  /**
   * Calls the first phase of a branch: it does its work in its database, registers itself, and prepares. The coordinator
   * calls the same URL for commit or rollback.
   *
   * @param branch - URL, or a branch named by code
   * @param payload - sent to the first phase, over HTTP as JSON, over gRPC as `PayloadCodec` says
   * @returns what the branch returned, over HTTP parsed from JSON; the text itself when it is none
   * @throws DtmFailureError when the branch refuses; DtmOngoingError or DtmBranchError when it does not decide: each of
   *   them rolls the transaction back, even when the caller catches it
   */
  call<P, R>(branch: BranchRef<P, R>, ...payload: PayloadArgument<NoInfer<P>>): Promise<R>;
  call<R = unknown>(url: string, payload?: unknown): Promise<R>;
  call(branch: string | BranchRef, payload?: unknown): Promise<unknown> {
    return this.#calls.make(() => this.#call(branch, payload));
  }

  /**
   * Waits for all calls, awaited by the work or not; after that no more are made.
   *
   * @internal
   * @throws the first call's error
   */
  settle(): Promise<void> {
    return this.#calls.settle();
  }

  async #call(branch: string | BranchRef, payload: unknown): Promise<unknown> {
    const { api, transport, locator = urlsOnly, payloads = jsonPayloads } = this.#dependencies;
    const url = typeof branch === 'string' ? branch : locator.xaUrl(branch);
    checkBranchUrl(url, 'url', this.#options.protocol, transport);
    const data = encodeFor(this.#dependencies, url, payload);
    const branchId = this.#nextBranchId();
    const outcome = await transport.call({
      url,
      context: { gid: this.gid, transType: 'xa', branchId, op: 'action', dtm: api.address, phase2Url: url },
      payload: data,
      headers: this.#options.branchHeaders,
      timeoutSeconds: this.#options.requestTimeoutSeconds || DEFAULT_REQUEST_TIMEOUT_SECONDS,
    });
    if (outcome.kind === 'success') return payloads.decode(url, outcome.body);
    throw outcomeError(outcome, `action of branch ${branchId} at ${url}`, { gid: this.gid });
  }
}

/**
 * Runs an XA transaction: prepares it, runs the work, submits it; or aborts it with the reason when the work fails. What
 * the branches changed becomes visible in all their databases after the submit, or in none of them.
 *
 * @param dependencies - coordinator, transport, locator
 * @param work - calls the branches; its error rolls the transaction back and is thrown on unchanged
 * @param options - see {@link XaOptions}
 * @returns what the work returned
 * @throws the work's error; the first failed call's error, even when the work caught it; DtmFailureError when the
 *   transaction had been rolled back meanwhile; with `waitResult` DtmOngoingError when it is not finished; what
 *   `DtmApi` throws
 *
 * @example
 * await runXa(dependencies, async (xa) => {
 *   await xa.call('http://bank1/transOut', { userId: 1, amount: 30 });
 *   await xa.call('http://bank2/transIn', { userId: 2, amount: 30 });
 * });
 */
export function runXa<T>(
  dependencies: ClientDependencies,
  work: (xa: XaTransaction) => Promise<T> | T,
  options: XaOptions = {},
): Promise<T> {
  return runGlobalWork(
    dependencies.api,
    'xa',
    options,
    (gid, given) => new XaTransaction(dependencies, gid, given),
    work,
  );
}
