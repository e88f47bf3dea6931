import { setTimeout as sleep } from 'node:timers/promises';
import { DtmArgumentError, DtmServerError, isFinal, type DtmApi } from '../../protocol/internal.js';
import { assertSucceeded } from './assert-succeeded.js';

/** Options of {@link waitFor}. */
export interface WaitForOptions {
  /** Longest time to wait, in seconds. @default 60 */
  readonly timeoutSeconds?: number | undefined;
  /** Milliseconds between two queries. @default 200 */
  readonly intervalMs?: number | undefined;
  /** Ends the wait; its reason is thrown. @default none */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a transaction has ended.
 *
 * @param api - the coordinator
 * @param gid - global id
 * @param options - see {@link WaitForOptions}
 * @throws DtmFailureError with reason and failed branch when the transaction was rolled back; DtmOngoingError with the time
 *   of the next attempt after the time-out; DtmServerError when the gid is unknown; what `DtmApi.query` throws
 */
export async function waitFor(api: DtmApi, gid: string, options: WaitForOptions = {}): Promise<void> {
  const { timeoutSeconds = 60, intervalMs = 200, signal } = options;
  for (const [name, value] of Object.entries({ timeoutSeconds, intervalMs })) {
    if (!(value >= 0)) throw new DtmArgumentError(`${name} must be a number, 0 or more, not ${String(value)}`);
  }
  const end = performance.now() + timeoutSeconds * 1000;
  for (;;) {
    signal?.throwIfAborted();
    const details = await api.query(gid);
    if (!details) throw new DtmServerError(`dtm does not know the transaction ${gid}`, { gid });
    const rest = end - performance.now();
    if (isFinal(details.transaction.status) || rest <= 0) return assertSucceeded(details);
    await sleep(Math.min(intervalMs, rest), undefined, { signal });
  }
}
