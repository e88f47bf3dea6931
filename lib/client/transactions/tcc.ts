import {
  DtmArgumentError,
  branchIds,
  isHttpUrl,
  type BranchContext,
  type NotExecutedBranches,
} from '../../protocol/internal.js';
import { assertBranchUrl } from '../branch/assert-branch-url.js';
import { hasKey, unknownBranches } from '../branch/branch-locator.js';
import type { BranchRef, PayloadArgument, TccUrls } from '../branch/branch-ref.js';
import { encodePayload, jsonPayloads } from '../payload/payload-codec.js';
import { BranchCalls, branchCallError } from './branch-calls.js';
import type { InitiatorDependencies } from './dependencies.js';
import { assertOptions } from './global-transaction-options.js';
import { firstPhaseTimeout, runInitiatorDriven, type InitiatorDrivenOptions } from './initiator-driven.js';

/** Options of a TCC transaction. */
export interface TccOptions extends InitiatorDrivenOptions {
  /**
   * Sends the address of the coordinator to tries over HTTP, as the parameter `dtm`. Set this when a branch on another client
   * continues the transaction (nested TCC): `TccFromQuery` of Go's client needs the parameter. The barrier of the Java client
   * refuses calls that have it. Tries over gRPC always get the address, and nested TCCs of this package never need it.
   *
   * @default false
   */
  readonly sendCoordinator?: boolean | undefined;
}

/** A running TCC transaction ({@link runTcc}), or the part of it that a branch adds ({@link nestedTcc}). */
export interface Tcc {
  /** Global id of the transaction. */
  readonly gid: string;
  /**
   * Registers confirm and cancel of a branch, then calls its try.
   *
   * @param branch - URLs, or a reference from `branchOf()`
   * @param payload - sent to try, confirm and cancel: over HTTP as JSON, over gRPC as `PayloadCodec` encodes it. Without a
   *   payload, branches over HTTP are called with GET
   * @returns the answer of the try. JSON is parsed; any other text is returned as it is. Undefined for an answer without a
   *   result: empty, or `{"dtm_result":"SUCCESS"}`
   * @throws DtmFailureError when the try refuses; DtmOngoingError or DtmBranchError when the try does not decide. Each of
   *   them rolls the transaction back, even when you catch it
   * @throws what `DtmApi.registerBranch` throws
   */
  call<P, R>(branch: BranchRef<P, R>, ...payload: PayloadArgument<NoInfer<P>>): Promise<R>;
  call<R = unknown>(urls: TccUrls, payload?: unknown): Promise<R>;
  /**
   * Waits for all calls, including those that were not awaited. {@link runTcc} does this by itself; call it at the end of a
   * try that uses {@link nestedTcc}. No branch can be called after it.
   *
   * @throws the error of the first call that failed, even when you caught it: this try must fail, too
   */
  waitForCalls(): Promise<void>;
}

/** A part of a TCC transaction that a try adds. */
export interface NestedTcc extends Tcc {
  /**
   * Ids of the nested branches that have nothing to undo: the only call of their try was refused before it was executed. A try that
   * fails because of them reports them, as a branch in Nest does: docs/protocol.md#refused-payloads
   */
  readonly notExecuted: ReadonlySet<string>;
}

class RunningTcc implements NestedTcc {
  readonly gid: string;
  readonly #dependencies: InitiatorDependencies;
  readonly #calls: BranchCalls;
  readonly #nextBranchId: () => string;
  readonly #options: TccOptions;

  constructor(dependencies: InitiatorDependencies, calls: BranchCalls, parentBranchId: string, options: TccOptions) {
    this.gid = calls.gid;
    this.#dependencies = dependencies;
    this.#calls = calls;
    this.#nextBranchId = branchIds(parentBranchId);
    this.#options = options;
  }

  call<R>(branch: TccUrls | BranchRef, payload?: unknown): Promise<R> {
    return this.#calls.make(() => this.#call(branch, payload)) as Promise<R>;
  }

  waitForCalls(): Promise<void> {
    return this.#calls.allSettled();
  }

  get notExecuted(): ReadonlySet<string> {
    return this.#calls.notExecuted;
  }

  async #call(branch: TccUrls | BranchRef, payload: unknown): Promise<unknown> {
    const { api, transport, locator = unknownBranches, payloads = jsonPayloads } = this.#dependencies;
    const urls = hasKey(branch, 'try') ? branch : locator.getTccUrls(branch);
    for (const phase of ['try', 'confirm', 'cancel'] as const) {
      if (urls[phase] || phase === 'try') assertBranchUrl(urls[phase], phase, this.#options.protocol, transport);
    }
    const encoded = encodePayload(this.#dependencies, urls.try, payload);
    const branchId = this.#nextBranchId();
    await api.registerBranch({
      gid: this.gid,
      transType: 'tcc',
      branchId,
      payload: encoded,
      confirm: urls.confirm,
      cancel: urls.cancel,
    });
    const declared = hasKey(branch, 'try')
      ? undefined
      : this.#calls.timeouts.add(locator, branch, urls.confirm, urls.cancel);
    const outcome = await transport.call({
      url: urls.try,
      context: { gid: this.gid, transType: 'tcc', branchId, op: 'try', dtm: this.#coordinatorFor(urls.try) },
      payload: encoded,
      headers: this.#options.branchHeaders,
      timeoutSeconds: firstPhaseTimeout(urls.try, declared, this.#options),
    });
    if (outcome.kind === 'success') return payloads.decode(urls.try, outcome.body);
    for (const id of notExecutedBranches(outcome.notExecuted, branchId)) this.#calls.notExecuted.add(id);
    throw branchCallError(outcome, this.gid, { branchId, op: 'try', url: urls.try });
  }

  #coordinatorFor(url: string): string | undefined {
    const { api, transport } = this.#dependencies;
    const isOverHttp = isHttpUrl(url) || transport.isOverHttp?.(url);
    return isOverHttp && !this.#options.sendCoordinator ? undefined : api.address;
  }
}

/** The branches that the failure of a try reports: the branch itself, or branches that are nested in it. */
function notExecutedBranches(reported: NotExecutedBranches | undefined, branchId: string): readonly string[] {
  if (reported === true) return [branchId];
  return reported?.filter((id) => id.length > branchId.length && id.startsWith(branchId)) ?? [];
}

/**
 * Runs a TCC transaction: prepares it, runs the work and submits. When the work fails, aborts with the reason.
 *
 * @param dependencies - coordinator, transport, locator
 * @param work - calls the branches; its error rolls the transaction back and is thrown unchanged
 * @param options - see {@link TccOptions}
 * @returns the result of `work`
 * @throws the error of the work; the error of the first failed call, even when the work caught it; DtmFailureError when
 *   the transaction was rolled back meanwhile; with `waitResult` DtmOngoingError when it is not finished; what
 *   `DtmApi` throws
 */
export function runTcc<T>(
  dependencies: InitiatorDependencies,
  work: (tcc: Tcc) => Promise<T> | T,
  options: TccOptions = {},
): Promise<T> {
  const { api } = dependencies;
  const { sendCoordinator, ...others } = options;
  return runInitiatorDriven(
    api,
    'tcc',
    others,
    (calls, resolved) => new RunningTcc(dependencies, calls, '', { ...resolved, sendCoordinator }),
    work,
  );
}

/**
 * Continues a TCC transaction inside one of its branches. Branches called here are children of that branch, and are
 * confirmed or cancelled with the whole transaction. They are registered at the application's own coordinator, never at
 * the address that came with the request.
 *
 * @param dependencies - coordinator, transport, locator
 * @param context - context of the call to the branch
 * @param options - options for the calls
 * @throws DtmArgumentError when the context is not that of a TCC try
 */
export function nestedTcc(
  dependencies: InitiatorDependencies,
  context: BranchContext,
  options: Pick<
    TccOptions,
    'branchHeaders' | 'requestTimeoutSeconds' | 'branchTimeoutSeconds' | 'sendCoordinator'
  > = {},
): NestedTcc {
  assertOptions(options);
  const { gid, transType, op, branchId } = context;
  if (transType !== 'tcc' || op !== 'try') {
    throw new DtmArgumentError(`a nested TCC starts in a try, not in ${transType} ${op}`, { gid });
  }
  return new RunningTcc(dependencies, new BranchCalls(gid, 'tcc'), branchId, options);
}
