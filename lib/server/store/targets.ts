import type { TransactionDetails } from '../../protocol/internal.js';

/**
 * Whether a transaction waits for an answer from a target.
 *
 * @param details - the transaction
 * @param target - beginning of URLs, up to the end of a host, a path segment or a query
 */
export function isWaitingFor({ transaction, branches }: TransactionDetails, target: string): boolean {
  const asksInitiator = transaction.status === 'prepared' && leadsTo(transaction.queryPrepared ?? '', target);
  return asksInitiator || branches.some(({ status, url }) => status === 'prepared' && leadsTo(url, target));
}

function leadsTo(url: string, target: string): boolean {
  if (!url.startsWith(target)) return false;
  // http://bank:80 is not http://bank:8080
  return target.endsWith('/') || url.length === target.length || '/?#'.includes(url[target.length]!);
}
