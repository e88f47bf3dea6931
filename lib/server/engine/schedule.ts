import type { TransactionRecord } from '../../protocol/internal.js';
import type { CoordinatorSettings } from '../settings.js';
import type { Pass } from './pass.js';

/** A transaction that waits for its initiator becomes due after a day, in case a clock was wrong. */
const MAX_IDLE_MS = 24 * 3600 * 1000;

/** Time to store the answer to a call that used its full time-out, before the lease expires. */
const LEASE_MARGIN_MS = 10_000;

/** Share of the interval over which retries are spread, so that they do not arrive together. */
const JITTER = 0.1;

/**
 * Base interval between attempts, in seconds: docs/protocol.md#retries.
 *
 * @param settings - of the coordinator
 */
export function baseInterval(options: TransactionRecord['options'], settings: CoordinatorSettings): number {
  const { retryIntervalSeconds, timeoutToFailSeconds } = options;
  if (retryIntervalSeconds) return Math.min(retryIntervalSeconds, settings.maxWaitSeconds);
  const soonTimedOut = timeoutToFailSeconds && timeoutToFailSeconds < settings.retryIntervalSeconds;
  return soonTimedOut ? timeoutToFailSeconds : settings.retryIntervalSeconds;
}

/**
 * Time-out of one branch call in seconds. The ceiling also counts for what was stored without it, e.g. by Go dtm.
 *
 * @param options - options of the transaction
 * @param settings - settings of the coordinator
 * @param url - of the branch, which may have a time-out of its own. @default a branch without one
 */
export function requestTimeout(
  options: TransactionRecord['options'],
  settings: CoordinatorSettings,
  url?: string,
): number {
  const { requestTimeoutSeconds, branchTimeoutSeconds } = options;
  const seconds = (url !== undefined && branchTimeoutSeconds?.[url]) || requestTimeoutSeconds;
  return seconds ? Math.min(seconds, settings.maxRequestTimeoutSeconds) : settings.requestTimeoutSeconds;
}

/** The longest time-out of the branch calls of a transaction in seconds. */
function longestRequestTimeout(options: TransactionRecord['options'], settings: CoordinatorSettings): number {
  let longest = requestTimeout(options, settings);
  for (const url in options.branchTimeoutSeconds) longest = Math.max(longest, requestTimeout(options, settings, url));
  return longest;
}

/**
 * End of the lease of a pass, which each write of the pass renews. After this time another coordinator may take over.
 *
 * @param options - options of the transaction
 * @param settings - settings of the coordinator
 * @param now - UTC milliseconds
 */
export function leaseTime(options: TransactionRecord['options'], settings: CoordinatorSettings, now: number): number {
  return now + longestRequestTimeout(options, settings) * 1000 + LEASE_MARGIN_MS;
}

/**
 * When a transaction is due again after a pass that did not finish it. An ongoing branch keeps the interval, an unknown
 * outcome doubles the next interval up to the cap, progress resets the interval to its base. When all calls were
 * deferred, the transaction is due at the end of the deferral.
 *
 * @param pass - the pass that is over
 * @param deadline - see `Machine.deadline`
 * @param settings - settings of the coordinator
 * @param now - UTC milliseconds
 * @param random - random number from 0 to 1
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
  const nextDeadline = deadline !== undefined && deadline > now ? deadline : Infinity;
  // the initiator was called and has not decided yet
  const wasCalled = status === 'prepared' && pass.initiator !== undefined;
  if (pass.undecided.size === 0 && !wasCalled) {
    return { nextCronInterval: interval, nextCronTime: Math.min(now + MAX_IDLE_MS, nextDeadline) };
  }
  const undecided = new Set(pass.undecided.values());
  // an undecided branch that was called needs the pause of the interval
  if (undecided.size === 1 && undecided.has('deferred')) {
    return { nextCronInterval: interval, nextCronTime: Math.min(pass.deferredUntil ?? now, nextDeadline) };
  }
  const isUnknown = undecided.has('unknown');
  const cap = Math.max(base, settings.maxRetryIntervalSeconds);
  // a person has to repair the participant first: retries come at the longest interval
  const wait = pass.transaction.attention === undefined ? interval : cap;
  const retryTime = now + Math.round(wait * 1000 * (1 + JITTER * random()));
  return {
    nextCronInterval: isUnknown ? Math.min(interval * 2, cap) : interval,
    nextCronTime: Math.min(retryTime, nextDeadline),
  };
}
