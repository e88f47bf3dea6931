import {
  encodeBranchRecords,
  encodeTransactionRecord,
  type TransactionDetails,
  type TransactionPage,
} from '../../protocol/internal.js';

/** A transaction with its branches as JSON values: docs/protocol.md#storage. */
export interface EncodedDetails {
  readonly branches: readonly unknown[];
  /** null when the gid is unknown. */
  readonly transaction: unknown;
}

/**
 * Encodes the answer of `query`.
 *
 * @param details - the transaction; undefined when the gid is unknown
 */
export function encodeDetails(details: TransactionDetails | undefined): EncodedDetails {
  if (!details) return { branches: [], transaction: null };
  const { transaction, branches } = details;
  return {
    branches: encodeBranchRecords(branches, transaction),
    transaction: encodeTransactionRecord(transaction),
  };
}

/** Encodes the answer of `all`. */
export function encodePage({ transactions, nextPosition }: TransactionPage): object {
  return { next_position: nextPosition, transactions: transactions.map(encodeTransactionRecord) };
}
