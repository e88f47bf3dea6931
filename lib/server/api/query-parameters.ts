import {
  DtmArgumentError,
  GLOBAL_STATUSES,
  TRANS_TYPES,
  isTransType,
  type GlobalStatus,
  type TransactionFilter,
} from '../../protocol/internal.js';

/**
 * Parses the parameters of `all`: docs/protocol.md#queries.
 *
 * @param query - parameters; an empty parameter counts as missing
 * @throws DtmArgumentError that names the parameter
 */
export function parseTransactionFilter(query: URLSearchParams): TransactionFilter {
  const status = query.get('status') || undefined;
  const transType = query.get('transType') || undefined;
  if (status && !(GLOBAL_STATUSES as readonly string[]).includes(status)) {
    throw new DtmArgumentError(`status must be one of ${GLOBAL_STATUSES.join(', ')}, not ${JSON.stringify(status)}`);
  }
  if (transType && !isTransType(transType)) {
    throw new DtmArgumentError(`transType must be one of ${TRANS_TYPES.join(', ')}, not ${JSON.stringify(transType)}`);
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
 * Parses a parameter that is a whole number.
 *
 * @param query - parameters
 * @param name - name of the parameter
 * @returns undefined when the parameter is missing or empty
 * @throws DtmArgumentError with the text of Go dtm
 */
export function parseCount(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new DtmArgumentError(`convert to int error: ${text}`);
  return Number(text);
}
