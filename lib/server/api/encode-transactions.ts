import {
  encodeBranchRecords,
  encodeKvRecord,
  encodeTransactionRecord,
  transactionBytes,
  type KvRecord,
  type TransactionDetails,
  type TransactionPage,
} from '../../protocol/internal.js';
import type { JsonFields } from './write-json.js';

/**
 * Encodes the answer of `query`: docs/protocol.md#storage.
 *
 * @param details - the transaction; undefined when the gid is unknown
 */
export function encodeDetails(details: TransactionDetails | undefined): JsonFields {
  if (!details) return { branches: [], transaction: null };
  const { transaction, branches } = details;
  return { branches: encodeBranchRecords(branches, transaction), transaction: encodeTransactionRecord(transaction) };
}

/** Encodes the answer of `prepareWorkflow`. */
export function encodeWorkflow(details: TransactionDetails): JsonFields {
  const { branches, transaction } = encodeDetails(details);
  return { progresses: branches, transaction };
}

/** Bytes of a transaction whose answer counts as large. */
const LARGE_BYTES = 64 * 1024;

/** Whether the answer with a transaction takes memory that matters. */
export function isLarge({ transaction, branches }: TransactionDetails): boolean {
  return transactionBytes(transaction, branches) > LARGE_BYTES;
}

/** Encodes the answer of `all`. */
export function encodePage({ transactions, nextPosition }: TransactionPage): JsonFields {
  return { next_position: nextPosition, transactions: mapped(transactions, encodeTransactionRecord) };
}

/** Encodes key-value records. */
export function encodeKvRecords(records: readonly KvRecord[]): Iterable<unknown> {
  return mapped(records, encodeKvRecord);
}

function* mapped<From, To>(values: readonly From[], map: (value: From) => To): Generator<To> {
  for (const value of values) yield map(value);
}
