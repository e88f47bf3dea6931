import type { BranchRecord, TransactionDetails, TransactionRecord } from 'nestjs-dtm/protocol';

export const TIME = Date.UTC(2030, 0, 1);

/** A transaction record with defaults for the fields that a test does not set. */
export function transactionOf(gid: string, change: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    gid,
    transType: 'saga',
    status: 'submitted',
    protocol: 'http',
    options: {},
    createTime: TIME,
    updateTime: TIME,
    nextCronInterval: 10,
    nextCronTime: TIME,
    ...change,
  };
}

/** A branch record with defaults for the fields that a test does not set. */
export function branchOf(branchId: string, change: Partial<BranchRecord> = {}): BranchRecord {
  return { branchId, op: 'action', url: `http://b/${branchId}`, payload: '{}', status: 'prepared', ...change };
}

/** A transaction with two branch records. */
export function detailsOf(gid: string, change: Partial<TransactionRecord> = {}): TransactionDetails {
  return { transaction: transactionOf(gid, change), branches: [branchOf('01', { op: 'compensate' }), branchOf('01')] };
}
