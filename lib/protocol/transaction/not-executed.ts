import { isJsonObject, parseJson } from '../json-reader.js';
import type { TransactionRequest } from './transaction-request.js';

/** Key of `reqExtra` in the abort of a TCC: a JSON list of branch ids. */
const KEY = 'not_executed';

type Extra = TransactionRequest['reqExtra'];

/**
 * Says in an abort which branches have nothing to undo: their only try was refused before it was executed.
 *
 * @param branchIds - ids of the branches
 * @returns undefined when there is none
 */
export function encodeNotExecuted(branchIds: ReadonlySet<string>): Extra {
  return branchIds.size === 0 ? undefined : { [KEY]: JSON.stringify([...branchIds]) };
}

/**
 * Reads what {@link encodeNotExecuted} wrote.
 *
 * @throws DtmArgumentError when it is not JSON
 */
export function decodeNotExecuted(extra: Extra): ReadonlySet<string> {
  const text = isJsonObject(extra) && Object.hasOwn(extra, KEY) ? extra[KEY] : undefined;
  const ids: unknown = text ? parseJson(text, `req_extra.${KEY}`, '["01"]') : [];
  return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []);
}
