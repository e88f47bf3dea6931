import { DtmArgumentError, errorText, type DtmApi } from '../../protocol/internal.js';
import { checkOptions, protocolFor, type GlobalTransactionOptions } from './global-transaction-options.js';
import { submit } from './submit.js';

/** Options of a transaction whose branches the initiator calls itself. */
export interface WorkOptions extends GlobalTransactionOptions {
  /**
   * Told when the transaction could not be aborted after the work had failed; the work's own error is thrown all the
   * same, and the coordinator rolls back when `timeoutToFailSeconds` is over.
   *
   * @default a process warning
   */
  readonly onAbortFailed?: ((error: unknown, gid: string) => void) | undefined;
}

/** Modes whose branches the initiator calls itself. */
export type WorkType = 'tcc' | 'xa';

/** Default time-out of one call; the coordinator has the same for its own calls. */
export const DEFAULT_REQUEST_TIMEOUT_SECONDS = 3;

/** The calls that the work of one transaction makes. */
export class WorkCalls {
  readonly #gid: string;
  readonly #transType: WorkType;
  readonly #calls: Promise<unknown>[] = [];
  #isSettled = false;

  constructor(gid: string, transType: WorkType) {
    this.#gid = gid;
    this.#transType = transType;
  }

  /**
   * Makes a call.
   *
   * @param call - makes it
   * @throws DtmArgumentError when the work is over; what `call` throws
   */
  make<T>(call: () => Promise<T>): Promise<T> {
    const made = this.#isSettled ? Promise.reject(this.#tooLate()) : call();
    // settle() looks at it again; until then a failure is the caller's to handle, or not
    made.catch(() => undefined);
    this.#calls.push(made);
    return made;
  }

  /**
   * Waits for all calls, awaited by the work or not; after that no more are made.
   *
   * @throws the first call's error: it rolls the transaction back, even when the work caught it
   */
  async settle(): Promise<void> {
    let results: PromiseSettledResult<unknown>[] = [];
    // the answer to one call may have led to another
    while (results.length < this.#calls.length) results = await Promise.allSettled(this.#calls);
    this.#isSettled = true;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #tooLate(): DtmArgumentError {
    return new DtmArgumentError(
      `the work of this ${this.#transType.toUpperCase()} is over, it is being decided; await every call inside the work`,
      { gid: this.#gid },
    );
  }
}

/** A transaction as its work sees it. */
export interface GlobalHandle {
  /** See {@link WorkCalls.settle}. */
  settle(): Promise<void>;
}

/**
 * Runs a transaction whose branches the initiator calls itself: docs/protocol.md#initiator. Waits for all calls of the work
 * before it submits or aborts.
 *
 * @param api - the coordinator
 * @param transType - mode
 * @param options - as the user gave them
 * @param begin - makes what the work is given; gets the options with the protocol that the branches are called by
 * @param work - calls the branches
 * @returns what the work returned
 * @throws the work's error; the first failed call's error; what {@link submit} and {@link DtmApi} throw
 */
export async function runGlobalWork<Handle extends GlobalHandle, T>(
  api: DtmApi,
  transType: WorkType,
  options: WorkOptions,
  begin: (gid: string, options: WorkOptions) => Handle,
  work: (handle: Handle) => Promise<T> | T,
): Promise<T> {
  checkOptions(options);
  const gid = options.gid ?? (await api.newGid());
  const { onAbortFailed = warn, gid: _, ...transactionOptions } = options;
  const protocol = protocolFor(api, options);
  const transaction = { ...transactionOptions, gid, transType, protocol } as const;
  await api.prepare(transaction);
  const handle = begin(gid, { ...options, protocol: protocol ?? 'http' });
  let result: T;
  try {
    result = await work(handle);
    await handle.settle();
  } catch (error) {
    // a call that is still under way must not be overtaken by the second phase of its branch
    await handle.settle().catch(() => undefined);
    const rollbackReason = errorText(error);
    await api.abort({ gid, transType, rollbackReason }).catch((failure: unknown) => onAbortFailed(failure, gid));
    throw error;
  }
  await submit(api, transaction);
  return result;

  function warn(error: unknown): void {
    const reason = errorText(error);
    process.emitWarning(
      `${transType.toUpperCase()} ${gid} could not be aborted (${reason}); dtm rolls it back when it times out`,
      { code: 'DTM_ABORT' },
    );
  }
}
