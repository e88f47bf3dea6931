import type { BarrierRow } from '../barrier/index.js';
import { assertBarrierTable } from '../barrier/assert-table.js';
import { isReadOnlyError } from '../barrier/sql/is-read-only-error.js';
import {
  DtmBarrierError,
  DtmConfigError,
  DtmError,
  DtmFailureError,
  DtmOngoingError,
  errorText,
  parseGid,
  parseIdentifier,
} from '../protocol/internal.js';
import { limitConcurrency } from './limit-concurrency.js';
import type { XaAdapter, XaKey } from './xa-adapter.js';
import type { XaConnection, XaConnectionState, XaDatabase } from './xa-database.js';

/**
 * How often a rollback waits for the lock of its row before it answers "ongoing". Together with the lock time-out this stays
 * below 3 s, the time-out of calls of dtm.
 */
const ROLLBACK_ATTEMPTS = 2;

/** Time-out for locks in the second phase. */
export const LOCK_TIMEOUT_SECONDS = 1;

/**
 * Creates an XA adapter; it runs the algorithm of docs/protocol.md#xa-branches.
 *
 * The XA transaction contains the barrier row of the action, so the row exists if, and only if, the branch is committed. A
 * rollback inserts the same row with its own reason, which stops a late first phase.
 *
 * @throws DtmConfigError when the pool has a single connection
 */
export function sqlXa<Tx>(database: XaDatabase<Tx>): XaAdapter<Tx> {
  const { barrier } = database;
  if (database.connections < 2) {
    throw new DtmConfigError(
      'XA needs a pool of at least 2 connections, because one is reserved for the second phase; raise the limit of the pool',
    );
  }

  return {
    async prepare(branch, work, register) {
      check(branch);
      // a statement that waits for the locks of a prepared branch must not take the last connection, which its commit needs
      return limitConcurrency(database.pool, database.connections - 1, () => firstPhase(branch, work, register));
    },

    async commit(branch) {
      check(branch);
      const isAcknowledged = await run(branch, 'commit', () => database.decide(branch, 'commit'));
      const row = actionRow(branch, 'commit');
      // also after an acknowledged commit: MariaDB can acknowledge a commit that it does not execute
      const reason = await withRowLock(branch, () => barrier.transaction((tx) => barrier.findReason(tx, row)));
      if (reason === 'action') return;
      if (reason === undefined) throw isAcknowledged ? rowMissing(branch) : nothingToCommit(branch);
      throw new DtmBarrierError(`${nameOf(branch)} cannot be committed: it was rolled back before`, branch);
    },

    async rollback(branch) {
      check(branch);
      const row = actionRow(branch, 'rollback');
      for (let attempt = 1; ; attempt++) {
        await run(branch, 'roll back', () => database.decide(branch, 'rollback'));
        let reason: string | undefined;
        try {
          reason = await withRowLock(branch, () => barrier.transaction((tx) => insertOrFindReason(tx, row)));
        } catch (error) {
          // the branch can be prepared by now
          if (error instanceof DtmOngoingError && attempt < ROLLBACK_ATTEMPTS) continue;
          throw error;
        }
        if (reason === 'rollback') return;
        throw new DtmBarrierError(
          `${nameOf(branch)} cannot be rolled back: the branch is committed already, although the transaction is not; correct its data by hand, then end the transaction with forceStop`,
          branch,
        );
      }
    },

    listInDoubt: () => database.listInDoubt(),
    createTable: () => barrier.createTable(),
    assertTable: () => assertBarrierTable(barrier),
  };

  function check(branch: XaKey): void {
    parseGid(branch.gid);
    parseIdentifier('branch_id', branch.branchId);
    database.check(branch);
  }

  async function firstPhase<T>(
    branch: XaKey,
    work: (tx: Tx) => Promise<T>,
    register: () => Promise<void>,
  ): Promise<T | undefined> {
    const connection = await run(branch, 'get a connection', () => database.connect());
    let state: XaConnectionState | 'open' = 'unknown';
    try {
      const start = await run(branch, 'begin', () => connection.start(branch));
      state = start === 'started' ? 'open' : 'idle';
      if (start === 'prepared') return undefined;
      if (start === 'under way')
        throw new DtmOngoingError(`${nameOf(branch)}: another call of its first phase is running`, branch);

      const row = actionRow(branch, 'action');
      const { tx } = connection;
      if (!(await run(branch, 'insert its barrier row', () => barrier.insert(tx, row)))) {
        const reason = await run(branch, 'read its barrier row', () => barrier.findReason(tx, row));
        if (reason === 'action') return undefined;
        throw new DtmFailureError(`${nameOf(branch)} was rolled back before its first phase`, branch);
      }
      const result = await work(tx);
      await run(branch, 'find its barrier row after the business code', async () => barrier.verify?.(tx, row, true));
      await register();
      await run(branch, 'prepare', () => connection.prepare(branch));
      state = 'prepared';
      return result;
    } catch (error) {
      if (state === 'open') state = await rollBack(connection, branch);
      if (isReadOnlyError(error)) state = 'unknown';
      throw error;
    } finally {
      await connection.release(state === 'open' ? await rollBack(connection, branch) : state);
    }
  }

  /** The error of the first phase is thrown; a connection that cannot roll back is closed. */
  function rollBack(connection: XaConnection<Tx>, branch: XaKey): Promise<XaConnectionState> {
    return connection.rollback(branch).then(
      () => 'idle',
      () => 'unknown',
    );
  }

  /** The reason of the row, which this or another transaction has inserted. */
  async function insertOrFindReason(tx: Tx, row: BarrierRow): Promise<string | undefined> {
    return (await barrier.insert(tx, row)) ? row.reason : barrier.findReason(tx, row);
  }

  /** Runs work that needs the lock of the barrier row. */
  async function withRowLock<T>(branch: XaKey, work: () => Promise<T>): Promise<T> {
    return run(branch, 'lock its barrier row', async () => {
      try {
        return await work();
      } catch (error) {
        if (!database.isLockTimeout(error)) throw error;
        throw new DtmOngoingError(`${nameOf(branch)}: its barrier row is locked, its first phase is still running`, {
          cause: error,
          ...branch,
        });
      }
    });
  }

  /** Runs a statement of XA itself; after an error of the database the outcome is unknown. */
  async function run<T>(branch: XaKey, action: string, statement: () => Promise<T>): Promise<T> {
    try {
      return await statement();
    } catch (error) {
      if (error instanceof DtmError) throw error;
      const reason = barrier.describeError?.(error) ?? errorText(error);
      throw new DtmBarrierError(`${nameOf(branch)} could not ${action}: ${reason}`, { cause: error, gid: branch.gid });
    }
  }
}

function actionRow({ gid, branchId }: XaKey, reason: string): BarrierRow {
  return { gid, branchId, transType: 'xa', op: 'action', barrierId: '01', reason };
}

function nameOf({ gid, branchId }: XaKey): string {
  return `XA branch ${branchId} of ${gid}`;
}

function nothingToCommit(branch: XaKey): DtmBarrierError {
  return new DtmBarrierError(
    `${nameOf(branch)} cannot be committed: it is neither prepared nor committed, because an operator rolled it back or the ` +
      'database was restored; correct its data by hand, then end the transaction with forceStop',
    branch,
  );
}

function rowMissing(branch: XaKey): DtmBarrierError {
  return new DtmBarrierError(
    `${nameOf(branch)} was committed, but its barrier row does not exist; check that the barrier table is that of the first ` +
      'phase, and that its rows were not deleted',
    branch,
  );
}
