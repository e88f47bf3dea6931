import { setTimeout as sleep } from 'node:timers/promises';
import { DtmArgumentError, DtmServerError, isFinal, type DtmApi } from '../../protocol/internal.js';
import { assertSucceeded } from './assert-succeeded.js';

/** Options of {@link waitFor}. */
export interface WaitForOptions {
  /** Longest time to wait, in seconds. @default 60 */
  readonly timeoutSeconds?: number | undefined;
  /** Milliseconds between two looks. @default 200 */
  readonly intervalMs?: number | undefined;
  /** Ends the waiting; its reason is thrown. @default nothing does */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until a transaction has ended.
 *
 * @param api - the coordinator
 * @param gid - global id
 * @param options - see {@link WaitForOptions}
 * @throws DtmFailureError with reason and failing branch when it was rolled back; DtmOngoingError with the time of the next
 *   attempt when the time is up; DtmServerError when the coordinator does not know it; what {@link DtmApi.query} throws
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
    if (!details) throw new DtmServerError(`there is no transaction ${gid}; nothing to wait for`, { gid });
    const rest = end - performance.now();
    if (isFinal(details.transaction.status) || rest <= 0) return assertSucceeded(details);
    await sleep(Math.min(intervalMs, rest), undefined, { signal });
  }
}
