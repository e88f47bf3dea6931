import {
  DtmArgumentError,
  decodeBranchRecord,
  decodeTransactionRecord,
  redactTransaction,
  type JsonReader,
  type TransactionDetails,
  type TransactionFilter,
  type TransactionPage,
} from '../../protocol/internal.js';

/**
 * Reads the answer to `query`.
 *
 * @returns undefined when the gid is unknown
 * @throws DtmArgumentError when a field has the wrong type
 */
export function readTransactionDetails(answer: JsonReader): TransactionDetails | undefined {
  const transaction = answer.object('transaction');
  if (!transaction) return undefined;
  return {
    transaction: redactTransaction(decodeTransactionRecord(transaction)),
    branches: answer.objects('branches').map(decodeBranchRecord),
  };
}

/**
 * Reads the answer to `all`.
 *
 * @throws DtmArgumentError when a field has the wrong type
 */
export function readTransactionPage(answer: JsonReader): TransactionPage {
  return {
    transactions: answer.objects('transactions').map((record) => redactTransaction(decodeTransactionRecord(record))),
    nextPosition: answer.text('next_position'),
  };
}

/**
 * Writes a filter as parameters of `all`.
 *
 * @param filter - transactions to list
 * @throws DtmArgumentError when a number is not whole
 */
export function transactionFilterParameters(filter: TransactionFilter = {}): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of Object.entries(filter) as [string, unknown][]) {
    if (value === undefined) continue;
    if (typeof value === 'number' && !Number.isInteger(value)) {
      throw new DtmArgumentError(`${name} must be a whole number`);
    }
    parameters[name] = String(value);
  }
  return parameters;
}
