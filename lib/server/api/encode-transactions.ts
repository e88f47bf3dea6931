import {
  encodeBranchRecords,
  encodeTransactionRecord,
  transactionBytes,
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

/** Bytes of a transaction whose answer counts as large. */
const LARGE_BYTES = 64 * 1024;

/** Whether the answer with a transaction takes memory that matters. */
export function isLarge({ transaction, branches }: TransactionDetails): boolean {
  return transactionBytes(transaction, branches) > LARGE_BYTES;
}

/** Encodes the answer of `all`. */
export function encodePage({ transactions, nextPosition }: TransactionPage): object {
  return { next_position: nextPosition, transactions: transactions.map(encodeTransactionRecord) };
}
