import type { BarrierRow } from '../barrier/index.js';
import {
  DtmBarrierError,
  DtmConfigError,
  DtmError,
  DtmFailureError,
  DtmOngoingError,
  parseGid,
  parseIdentifier,
  errorText,
} from '../protocol/internal.js';
import { limitConcurrency } from './limit-concurrency.js';
import type { XaAdapter, XaKey } from './xa-adapter.js';
import type { XaConnection, XaConnectionState, XaDatabase } from './xa-database.js';

/**
 * How often a rollback looks again at what holds its row, before it is to be asked anew. With the time that a database
 * waits for a lock this stays below the 3 s that dtm waits for an answer.
 */
const ROLLBACK_LOOKS = 2;

/** Longest time that a barrier statement of phase 2 waits for a lock. */
export const LOCK_TIMEOUT_SECONDS = 1;

/**
 * The algorithm of XA on a database: docs/protocol.md#xa-branches.
 *
 * The row of the action is written inside the XA transaction, so it is there if, and only if, the branch was committed; or
 * a rollback has put it there, with its own reason, which stops a phase 1 that comes late.
 *
 * @param database - executes it
 * @throws DtmConfigError when the pool has a single connection
 */
export function sqlXa<Tx>(database: XaDatabase<Tx>): XaAdapter<Tx> {
  const { barrier } = database;
  if (database.connections < 2) {
    throw new DtmConfigError('XA needs a pool of at least 2 connections: one is kept free for phase 2');
  }

  return {
    async prepare(branch, work, register) {
      check(branch);
      // What waits for the locks of a prepared branch must not take the last connection: its commit needs one.
      return limitConcurrency(database.pool, database.connections - 1, () => phaseOne(branch, work, register));
    },

    async commit(branch) {
      check(branch);
      const isDone = await own(branch, 'commit', () => database.decide(branch, 'commit'));
      const row = actionRow(branch, 'commit');
      // looked at in any case: MariaDB may acknowledge a commit that it does not make
      const reason = await whileFree(branch, () => barrier.transaction((tx) => barrier.findReason(tx, row)));
      if (reason === 'action') return;
      if (reason === undefined) throw isDone ? notSeen(branch) : nothingToCommit(branch);
      throw new DtmBarrierError(`${nameOf(branch)} cannot be committed: it was rolled back before`, branch);
    },

    async rollback(branch) {
      check(branch);
      const row = actionRow(branch, 'rollback');
      for (let look = 1; ; look++) {
        await own(branch, 'roll back', () => database.decide(branch, 'rollback'));
        let reason: string | undefined;
        try {
          reason = await whileFree(branch, () => barrier.transaction((tx) => reasonAfterInsert(tx, row)));
        } catch (error) {
          // it may have been prepared in the meantime
          if (error instanceof DtmOngoingError && look < ROLLBACK_LOOKS) continue;
          throw error;
        }
        if (reason === 'rollback') return;
        throw new DtmBarrierError(
          `${nameOf(branch)} cannot be rolled back: it is committed, and not by dtm; mend its data by hand, then end the transaction with forceStop`,
          branch,
        );
      }
    },

    listInDoubt: () => database.listInDoubt(),
    createTable: () => barrier.createTable(),
  };

  function check(branch: XaKey): void {
    parseGid(branch.gid);
    parseIdentifier('branch_id', branch.branchId);
    database.check(branch);
  }

  async function phaseOne<T>(
    branch: XaKey,
    work: (tx: Tx) => Promise<T>,
    register: () => Promise<void>,
  ): Promise<T | undefined> {
    const connection = await own(branch, 'get a connection', () => database.connect());
    let state: XaConnectionState | 'open' = 'unknown';
    try {
      const start = await own(branch, 'begin', () => connection.start(branch));
      state = start === 'started' ? 'open' : 'idle';
      if (start === 'prepared') return undefined;
      if (start === 'under way') throw new DtmOngoingError(`${nameOf(branch)}: another call of it is running`, branch);

      const row = actionRow(branch, 'action');
      const { tx } = connection;
      if (!(await own(branch, 'insert its barrier row', () => barrier.insert(tx, row)))) {
        const reason = await own(branch, 'read its barrier row', () => barrier.findReason(tx, row));
        if (reason === 'action') return undefined;
        throw new DtmFailureError(`${nameOf(branch)} was rolled back before it began`, branch);
      }
      const result = await work(tx);
      await own(branch, 'make sure of its barrier row after the business code', async () =>
        barrier.verify?.(tx, row, true),
      );
      await register();
      await own(branch, 'prepare', () => connection.prepare(branch));
      state = 'prepared';
      return result;
    } finally {
      await connection.release(state === 'open' ? await afterRollback(connection, branch) : state);
    }
  }

  /** The error that led here is what counts; a connection that cannot roll back is thrown away. */
  function afterRollback(connection: XaConnection<Tx>, branch: XaKey): Promise<XaConnectionState> {
    return connection.rollback(branch).then(
      () => 'idle',
      () => 'unknown',
    );
  }

  /** The reason that the row has now, whoever inserted it. */
  async function reasonAfterInsert(tx: Tx, row: BarrierRow): Promise<string | undefined> {
    return (await barrier.insert(tx, row)) ? row.reason : barrier.findReason(tx, row);
  }

  /** Runs what waits for the barrier row of a branch. */
  async function whileFree<T>(branch: XaKey, work: () => Promise<T>): Promise<T> {
    return own(branch, 'get at its barrier row', async () => {
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

  /** Runs a statement of XA's own: what it throws leaves open what happened. */
  async function own<T>(branch: XaKey, what: string, statement: () => Promise<T>): Promise<T> {
    try {
      return await statement();
    } catch (error) {
      if (error instanceof DtmError) throw error;
      const reason = barrier.describeError?.(error) ?? errorText(error);
      throw new DtmBarrierError(`${nameOf(branch)} could not ${what}: ${reason}`, { cause: error, gid: branch.gid });
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
    `${nameOf(branch)} cannot be committed: nothing is prepared, and nothing was committed. It was rolled back by somebody ` +
      'else, or its database was restored; mend its data by hand, then end the transaction with forceStop',
    branch,
  );
}

function notSeen(branch: XaKey): DtmBarrierError {
  return new DtmBarrierError(
    `${nameOf(branch)} was committed, but its barrier row is not there: is the barrier table the one of its first phase, or was ` +
      'it emptied meanwhile?',
    branch,
  );
}
