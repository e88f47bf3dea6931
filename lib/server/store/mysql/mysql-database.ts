import { transactionBytes, type TransactionDetails } from '../../../protocol/internal.js';
import { branchEntries, encodeOwner } from '../sql/columns.js';
import { PooledDatabase } from '../sql/pooled-database.js';
import type { Registration, SqlRow, Update } from '../sql/sql-database.js';
import { SqlFailure } from '../sql/sql-failure.js';
import type { AddBranchesResult } from '../store.js';
import type { MysqlConnections } from './mysql-connections.js';
import { MysqlWrites, updateOne } from './mysql-writes.js';

/** Maximum number of branches that are updated with their transaction in one statement. */
const MAX_JOINED_BRANCHES = 8;

/** A MySQL or MariaDB database with the tables of dtm. */
export class MysqlDatabase extends PooledDatabase<MysqlConnections> {
  create(writes: readonly TransactionDetails[]): Promise<boolean[]> {
    return this.#write(async (rows) => {
      try {
        await rows.insertTransactions(writes.map(({ transaction }) => transaction));
      } catch (error) {
        const isTaken = error instanceof SqlFailure && error.kind === 'duplicate';
        if (isTaken && writes.length === 1) return [false];
        throw error;
      }
      await rows.insertBranches(
        writes.flatMap(({ transaction: { gid, createTime }, branches }) => branchEntries(gid, branches, createTime)),
      );
      return writes.map(() => true);
    });
  }

  addBranches(writes: readonly Registration[]): Promise<AddBranchesResult[]> {
    const time = Date.now();
    return this.#write(async (rows) => {
      const locked = await rows.lockWithBranches(writes.map(({ gid }) => gid));
      const results = writes.map((write) => checkRegistration(write, locked.get(write.gid)));
      const registrations = writes.filter((_, index) => results[index] === 'added');
      await rows.insertBranches(registrations.flatMap(({ gid, branches }) => branchEntries(gid, branches, time)));
      return results;
    });
  }

  async update(writes: readonly Update[]): Promise<boolean[]> {
    const [first] = writes;
    if (first && writes.length === 1 && first.branches.length <= MAX_JOINED_BRANCHES) {
      return [await updateOne(this, this.dialect, first)];
    }
    return this.#write(async (rows) => {
      const locked = await rows.lock(writes.map(({ transaction }) => transaction.gid));
      const isExpected = writes.map(({ expected, transaction }) => {
        const row = locked.get(transaction.gid);
        const isOwner = expected.owner === undefined || row?.['owner'] === encodeOwner(expected.owner);
        return isOwner && row?.['status'] === expected.status;
      });
      const updates = writes.filter((_, index) => isExpected[index]);
      await rows.replaceTransactions(
        updates.map(({ transaction }) => transaction),
        locked,
      );
      await rows.replaceBranches(
        updates.flatMap(({ transaction: { gid, updateTime }, branches }) => branchEntries(gid, branches, updateTime)),
      );
      return isExpected;
    });
  }

  #write<T>(work: (rows: MysqlWrites) => Promise<T>): Promise<T> {
    const { maxBytes } = this.connections;
    return this.transaction((session) => work(new MysqlWrites(session, this.dialect, maxBytes)));
  }
}

/** @param row - the locked transaction, with the number and bytes of its branches */
function checkRegistration({ transType, branches, limits }: Registration, row: SqlRow | undefined): AddBranchesResult {
  if (row?.['status'] !== 'prepared' || row['trans_type'] !== transType) return 'refused';
  if (!limits) return 'added';
  if (Number(row['branches']) + branches.length > limits.maxBranches) return 'tooMany';
  return Number(row['bytes']) + transactionBytes(undefined, branches) > limits.maxBytes ? 'tooLarge' : 'added';
}
