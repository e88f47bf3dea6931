import type { TransactionRecord } from './transaction-record.js';

/** What is shown in place of the value of a branch header. */
const REDACTED = '[redacted]';

/**
 * A transaction as it may be shown: its branch headers, which may be credentials, without their values. Stores keep the values.
 *
 * @param transaction - is left as it is
 */
export function redactTransaction(transaction: TransactionRecord): TransactionRecord {
  const { branchHeaders } = transaction.options;
  if (!branchHeaders) return transaction;
  const names = Object.keys(branchHeaders);
  const redacted = Object.fromEntries(names.map((name) => [name, REDACTED]));
  return { ...transaction, options: { ...transaction.options, branchHeaders: redacted } };
}
