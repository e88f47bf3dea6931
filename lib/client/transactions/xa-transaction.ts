import { branchIds } from '../../protocol/internal.js';
import { assertBranchUrl } from '../branch/assert-branch-url.js';
import { unknownBranches } from '../branch/branch-locator.js';
import type { BranchRef, PayloadArgument } from '../branch/branch-ref.js';
import { encodePayload, jsonPayloads } from '../payload/payload-codec.js';
import { branchCallError, type BranchCalls } from './branch-calls.js';
import type { InitiatorDependencies } from './dependencies.js';
import { firstPhaseTimeout, runInitiatorDriven, type InitiatorDrivenOptions } from './initiator-driven.js';

/** Options of an XA transaction. */
export interface XaOptions extends InitiatorDrivenOptions {}

/** A running XA transaction; {@link runXa} creates it. */
export interface XaTransaction {
  /** Global id of the transaction. */
  readonly gid: string;
  /**
   * Calls the first phase of a branch, which does its work in its database, registers itself and prepares. The coordinator
   * calls the same URL for commit or rollback.
   *
   * @param branch - URL, or a reference from `branchOf()`
   * @param payload - sent to the first phase: over HTTP as JSON, over gRPC as `PayloadCodec` encodes it
   * @returns the answer of the branch. JSON is parsed; any other text is returned as it is
   * @throws DtmFailureError when the branch refuses; DtmOngoingError or DtmBranchError when the branch does not decide. Each
   *   of them rolls the transaction back, even when you catch it
   */
  call<P, R>(branch: BranchRef<P, R>, ...payload: PayloadArgument<NoInfer<P>>): Promise<R>;
  call<R = unknown>(url: string, payload?: unknown): Promise<R>;
}

class RunningXa implements XaTransaction {
  readonly gid: string;
  readonly #dependencies: InitiatorDependencies;
  readonly #calls: BranchCalls;
  readonly #nextBranchId = branchIds();
  readonly #options: XaOptions;

  constructor(dependencies: InitiatorDependencies, calls: BranchCalls, options: XaOptions) {
    this.gid = calls.gid;
    this.#dependencies = dependencies;
    this.#calls = calls;
    this.#options = options;
  }

  call<R>(branch: string | BranchRef, payload?: unknown): Promise<R> {
    return this.#calls.make(() => this.#call(branch, payload)) as Promise<R>;
  }

  async #call(branch: string | BranchRef, payload: unknown): Promise<unknown> {
    const { api, transport, locator = unknownBranches, payloads = jsonPayloads } = this.#dependencies;
    const url = typeof branch === 'string' ? branch : locator.getXaUrl(branch);
    assertBranchUrl(url, 'url', this.#options.protocol, transport);
    const encoded = encodePayload(this.#dependencies, url, payload);
    const branchId = this.#nextBranchId();
    // the second phase does not run the method of the branch
    const declared = typeof branch === 'string' ? undefined : locator.getRequestTimeoutSeconds?.(branch);
    const outcome = await transport.call({
      url,
      context: { gid: this.gid, transType: 'xa', branchId, op: 'action', dtm: api.address, phase2Url: url },
      payload: encoded,
      headers: this.#options.branchHeaders,
      timeoutSeconds: firstPhaseTimeout(url, declared, this.#options),
    });
    if (outcome.kind === 'success') return payloads.decode(url, outcome.body);
    throw branchCallError(outcome, this.gid, { branchId, op: 'action', url });
  }
}

/**
 * Runs an XA transaction: prepares it, runs the work and submits. When the work fails, aborts with the reason. After the
 * submit, the changes of the branches become visible in all their databases; after an abort, in none.
 *
 * @param dependencies - coordinator, transport, locator
 * @param work - calls the branches; its error rolls the transaction back and is thrown unchanged
 * @param options - see {@link XaOptions}
 * @returns the result of `work`
 * @throws the error of the work; the error of the first failed call, even when the work caught it; DtmFailureError when
 *   the transaction was rolled back meanwhile; with `waitResult` DtmOngoingError when it is not finished; what
 *   `DtmApi` throws
 *
 * @example
 * await runXa(dependencies, async (xa) => {
 *   await xa.call('http://bank1/transOut', { userId: 1, amount: 30 });
 *   await xa.call('http://bank2/transIn', { userId: 2, amount: 30 });
 * });
 */
export function runXa<T>(
  dependencies: InitiatorDependencies,
  work: (xa: XaTransaction) => Promise<T> | T,
  options: XaOptions = {},
): Promise<T> {
  const { api } = dependencies;
  return runInitiatorDriven(
    api,
    'xa',
    options,
    (calls, resolved) => new RunningXa(dependencies, calls, resolved),
    work,
  );
}
