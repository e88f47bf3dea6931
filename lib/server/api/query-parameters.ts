import {
  DtmArgumentError,
  GLOBAL_STATUSES,
  isTransType,
  type GlobalStatus,
  type TransactionFilter,
} from '../../protocol/internal.js';

/**
 * Reads the parameters of `all`: docs/protocol.md#queries.
 *
 * @param query - parameters; empty ones are left out
 * @throws DtmArgumentError when one is not allowed
 */
export function parseTransactionFilter(query: URLSearchParams): TransactionFilter {
  const status = query.get('status') || undefined;
  const transType = query.get('transType') || undefined;
  if (status && !(GLOBAL_STATUSES as readonly string[]).includes(status)) {
    throw new DtmArgumentError(`status must be one of ${GLOBAL_STATUSES.join(', ')}, not ${JSON.stringify(status)}`);
  }
  if (transType && !isTransType(transType)) {
    throw new DtmArgumentError(`transType ${JSON.stringify(transType)} is unknown`);
  }
  const attention = query.get('attention') || 'false';
  if (attention !== 'true' && attention !== 'false') {
    throw new DtmArgumentError(`attention must be true or false, not ${JSON.stringify(attention)}`);
  }
  return {
    gid: query.get('gid') || undefined,
    status: status as GlobalStatus | undefined,
    transType: transType as TransactionFilter['transType'],
    attention: attention === 'true',
    createTimeStart: parseCount(query, 'createTimeStart'),
    createTimeEnd: parseCount(query, 'createTimeEnd'),
    position: query.get('position') || undefined,
    limit: parseCount(query, 'limit'),
  };
}

/**
 * Reads a whole number.
 *
 * @param query - parameters
 * @param name - which one
 * @returns undefined when it is missing or empty
 * @throws DtmArgumentError when it is none
 */
export function parseCount(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new DtmArgumentError(`convert to int error: ${text}`);
  return Number(text);
}
