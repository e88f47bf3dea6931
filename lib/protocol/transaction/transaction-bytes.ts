import type { BranchRecord, TransactionRecord } from './transaction-record.js';

/**
 * Bytes of the texts that a transaction keeps, by their lengths: a character outside of ASCII counts as one.
 *
 * @param transaction - undefined = only the branches
 * @param branches - the payload of each counts, also when some share it
 */
export function transactionBytes(
  transaction: TransactionRecord | undefined,
  branches: Iterable<Pick<BranchRecord, 'payload' | 'url' | 'lastError'>>,
): number {
  let bytes = 0;
  if (transaction) {
    const { queryPrepared, customData, rollbackReason, result, options } = transaction;
    for (const text of [queryPrepared, customData, rollbackReason, result]) bytes += text?.length ?? 0;
    bytes += headerBytes(options.branchHeaders);
    for (const url in options.branchTimeoutSeconds) bytes += url.length;
  }
  for (const { payload, url, lastError } of branches) bytes += payload.length + url.length + (lastError?.length ?? 0);
  return bytes;
}

/**
 * Bytes of the names and values of headers.
 *
 * @param max - stops counting above this
 */
export function headerBytes(headers: Readonly<Record<string, string>> | undefined, max: number = Infinity): number {
  let bytes = 0;
  for (const name in headers) {
    bytes += name.length + headers[name]!.length;
    if (bytes > max) break;
  }
  return bytes;
}
