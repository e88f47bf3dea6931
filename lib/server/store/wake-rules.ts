import type { TransactionDetails, TransactionRecord } from '../../protocol/internal.js';
import type { LeaseFilter } from './store.js';

/** Whether `Store.wake` may make a transaction due: it has no owner, or its lease is one of those to end. */
export function mayWake(
  { owner, nextCronTime }: Pick<TransactionRecord, 'owner' | 'nextCronTime'>,
  leases: LeaseFilter | undefined,
): boolean {
  if (!owner) return true;
  if (!leases || nextCronTime <= leases.endingAfter) return false;
  return leases.exceptOwner === undefined || !owner.startsWith(leases.exceptOwner);
}

/**
 * Whether a transaction waits for an answer from a target.
 *
 * @param target - beginning of URLs, see {@link leadsTo}
 */
export function isWaitingFor({ transaction, branches }: TransactionDetails, target: string): boolean {
  const asksInitiator = transaction.status === 'prepared' && leadsTo(transaction.queryPrepared ?? '', target);
  return asksInitiator || branches.some(({ status, url }) => status === 'prepared' && leadsTo(url, target));
}

/**
 * Whether a URL leads to a target: `http://bank/a` leads to `http://bank`, `http://bank:8080` does not lead to
 * `http://bank:80`.
 *
 * @param url - a URL, or the beginning of one
 * @param target - beginning of URLs, up to the end of a host, a path segment or a query
 */
export function leadsTo(url: string, target: string): boolean {
  if (!url.startsWith(target)) return false;
  return target.endsWith('/') || url.length === target.length || '/?#'.includes(url[target.length]!);
}
