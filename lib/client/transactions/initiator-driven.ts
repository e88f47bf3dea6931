import { encodeNotExecuted, errorText, type DtmApi, type TransactionOptions } from '../../protocol/internal.js';
import { BranchCalls, type InitiatorDrivenType } from './branch-calls.js';
import { assertOptions, resolveProtocol, type GlobalTransactionOptions } from './global-transaction-options.js';
import { submit } from './submit.js';

/** Options of a transaction whose branches the initiator calls itself: TCC and XA. */
export interface InitiatorDrivenOptions extends GlobalTransactionOptions {
  /**
   * Called when the work has failed and the transaction could not be aborted. The error of the work is thrown in any case,
   * and the coordinator rolls back after `timeoutToFailSeconds`.
   *
   * @default a process warning
   */
  readonly onAbortFailed?: ((error: unknown, gid: string) => void) | undefined;
}

/** Time-out of a call when the options have none; dtm has the same for its own calls. */
const DEFAULT_REQUEST_TIMEOUT_SECONDS = 3;

/**
 * Runs a transaction whose branches the initiator calls itself: prepares it, runs the work, waits for its calls and
 * submits. When the work or a call fails, aborts with the reason.
 *
 * @param begin - creates the argument of `work`; its options have the protocol of the branches
 * @param work - calls the branches
 * @returns the result of `work`
 * @throws the error of the work; the error of the first failed call; what {@link submit} and {@link DtmApi} throw
 */
export async function runInitiatorDriven<Handle, T>(
  api: DtmApi,
  transType: InitiatorDrivenType,
  options: InitiatorDrivenOptions,
  begin: (calls: BranchCalls, options: InitiatorDrivenOptions) => Handle,
  work: (handle: Handle) => Promise<T> | T,
): Promise<T> {
  assertOptions(options);
  const gid = options.gid ?? (await api.newGid());
  const { onAbortFailed = warn, gid: _, ...transactionOptions } = options;
  const protocol = resolveProtocol(api, options);
  const transaction = { ...transactionOptions, gid, transType, protocol } as const;
  await api.prepare(transaction);
  const calls = new BranchCalls(gid, transType);
  const handle = begin(calls, { ...options, protocol: protocol ?? 'http' });
  let result: T;
  try {
    result = await work(handle);
    await calls.allSettled();
  } catch (error) {
    // the second phase of a branch must not overtake a call that is still running
    await calls.allSettled().catch(() => undefined);
    const rollbackReason = errorText(error);
    const reqExtra = encodeNotExecuted(calls.notExecuted);
    const timeouts = timeoutsOf(calls, options);
    await api
      .abort({ gid, transType, rollbackReason, ...timeouts, ...(reqExtra && { reqExtra }) })
      .catch((failure: unknown) => onAbortFailed(failure, gid));
    throw error;
  }
  await submit(api, { ...transaction, ...timeoutsOf(calls, options) });
  return result;

  function warn(error: unknown): void {
    const name = `${transType.toUpperCase()} ${gid}`;
    process.emitWarning(
      `${name} could not be aborted: ${errorText(error)}; the coordinator rolls it back when the transaction times out`,
      {
        code: 'DTM_ABORT',
      },
    );
  }
}

/** The time-outs of the second phase, which are not known at the prepare. */
function timeoutsOf(
  calls: BranchCalls,
  options: InitiatorDrivenOptions,
): Pick<TransactionOptions, 'requestTimeoutSeconds' | 'branchTimeoutSeconds'> {
  const branchTimeoutSeconds = calls.timeouts.with(options);
  return branchTimeoutSeconds ? { requestTimeoutSeconds: options.requestTimeoutSeconds, branchTimeoutSeconds } : {};
}

/** Time-out of the first phase of a branch, in seconds, by the most specific option. */
export function firstPhaseTimeout(
  url: string,
  declared: number | undefined,
  { branchTimeoutSeconds, requestTimeoutSeconds }: TransactionOptions,
): number {
  return branchTimeoutSeconds?.[url] || declared || requestTimeoutSeconds || DEFAULT_REQUEST_TIMEOUT_SECONDS;
}
