import {
  encodeBranchRecord,
  encodeTransactionRecord,
  type TransactionDetails,
  type TransactionPage,
} from '../../protocol/internal.js';

/** A transaction and its branches, ready to be stringified: docs/protocol.md#storage. */
export interface EncodedDetails {
  /** Its branch operations. */
  readonly branches: readonly unknown[];
  /** The transaction; null when there is none. */
  readonly transaction: unknown;
}

/**
 * Shows what `query` found.
 *
 * @param details - the transaction; undefined when the gid is unknown
 */
export function encodeDetails(details: TransactionDetails | undefined): EncodedDetails {
  if (!details) return { branches: [], transaction: null };
  const { transaction, branches } = details;
  return {
    branches: branches.map((branch) => encodeBranchRecord(branch, transaction)),
    transaction: encodeTransactionRecord(transaction),
  };
}

/**
 * Shows what `all` found.
 *
 * @param page - the transactions
 */
export function encodePage({ transactions, nextPosition }: TransactionPage): object {
  return {
    next_position: nextPosition,
    transactions: transactions.length > 0 ? transactions.map(encodeTransactionRecord) : null,
  };
}
