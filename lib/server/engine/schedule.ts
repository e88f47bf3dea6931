import type { TransactionRecord } from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Pass } from './pass.js';

/** A transaction that waits for its initiator is looked at again after a day, in case a clock was wrong. */
const MAX_IDLE_MS = 24 * 3600 * 1000;

/** A call may take its full time, and its answer some more to be stored, before anybody else may take over. */
const LEASE_MARGIN_MS = 10_000;

/** Retries are spread over this share of their interval, so that many of them do not arrive together. */
const JITTER = 0.1;

/**
 * Base interval between attempts, in seconds: docs/protocol.md#retries.
 *
 * @param options - of the transaction
 * @param settings - of the coordinator
 */
export function baseInterval(options: TransactionRecord['options'], settings: CoordinatorSettings): number {
  const { retryIntervalSeconds, timeoutToFailSeconds } = options;
  if (retryIntervalSeconds) return retryIntervalSeconds;
  const soonTimedOut = timeoutToFailSeconds && timeoutToFailSeconds < settings.retryIntervalSeconds;
  return soonTimedOut ? timeoutToFailSeconds : settings.retryIntervalSeconds;
}

/**
 * Longest time of one branch call in seconds.
 *
 * @param options - of the transaction
 * @param settings - of the coordinator
 */
export function requestTimeout(options: TransactionRecord['options'], settings: CoordinatorSettings): number {
  return options.requestTimeoutSeconds || settings.requestTimeoutSeconds;
}

/**
 * Until when a pass may work on a transaction before others may take it over; renewed with every write of the pass.
 *
 * @param options - of the transaction
 * @param settings - of the coordinator
 * @param now - UTC milliseconds
 */
export function leaseTime(options: TransactionRecord['options'], settings: CoordinatorSettings, now: number): number {
  return now + requestTimeout(options, settings) * 1000 + LEASE_MARGIN_MS;
}

/**
 * When a transaction is due again after a pass that did not finish it. An ongoing branch keeps the interval, an unknown
 * outcome doubles the next interval up to the cap, progress resets the interval to its base. A transaction whose calls were
 * only held back is due when its target may be called.
 *
 * @param pass - the pass that is over
 * @param deadline - see `Machine.deadline`
 * @param settings - of the coordinator
 * @param now - UTC milliseconds
 * @param random - from 0 to 1
 */
export function scheduleNext(
  pass: Pass,
  deadline: number | undefined,
  settings: CoordinatorSettings,
  now: number,
  random: () => number,
): Pick<TransactionRecord, 'nextCronInterval' | 'nextCronTime'> {
  const { options, nextCronInterval, status } = pass.transaction;
  const base = baseInterval(options, settings);
  const interval = pass.progressed ? base : nextCronInterval || base;
  const turn = deadline !== undefined && deadline > now ? deadline : Infinity;
  // an initiator that has been told, and has not decided yet
  const isTold = status === 'prepared' && pass.initiator !== undefined;
  if (pass.undecided.size === 0 && !isTold) {
    return { nextCronInterval: interval, nextCronTime: Math.min(now + MAX_IDLE_MS, turn) };
  }
  const undecided = new Set(pass.undecided.values());
  // others that gave no decision keep their pause
  if (undecided.size === 1 && undecided.has('deferred')) {
    return { nextCronInterval: interval, nextCronTime: Math.min(pass.deferredUntil ?? now, turn) };
  }
  const isUnknown = undecided.has('unknown');
  const cap = Math.max(base, settings.maxRetryIntervalSeconds);
  // a person has to mend it first: still tried, but no more often than it must be
  const wait = pass.transaction.attention === undefined ? interval : cap;
  const retryTime = now + Math.round(wait * 1000 * (1 + JITTER * random()));
  return {
    nextCronInterval: isUnknown ? Math.min(interval * 2, cap) : interval,
    nextCronTime: Math.min(retryTime, turn),
  };
}
