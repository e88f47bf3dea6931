import { DtmArgumentError, DtmBarrierError, DtmError, errorText } from '../../protocol/internal.js';
import type { BarrierAdapter, BarrierKey } from '../barrier-adapter.js';
import { barrierTable } from './barrier-table.js';
import { describeSqlError } from './describe-sql-error.js';
import type { SqlExecutor } from './sql-executor.js';
import type { BarrierTableOptions } from './barrier-table-options.js';

const COLLISION =
  'the insert reported a duplicate of another key. The table ignores case or blanks in ids, or it cannot store their ' +
  'characters; create it again with a binary utf8mb4 collation';

const LOST =
  'the business code swallowed an error after which the database rolled back, for example a deadlock, or it ended the ' +
  'transaction itself';

const ENDED =
  'the transaction ended or failed while the business code ran; the business code must not end it, nor swallow the error of ' +
  'a statement';

/**
 * Creates a barrier adapter for an SQL library.
 *
 * @param executor - runs statements and transactions with the library
 * @param options - where the barrier table is
 * @throws DtmConfigError when the name of the table is not allowed
 */
export function sqlBarrier<Tx>(executor: SqlExecutor<Tx>, options?: BarrierTableOptions): BarrierAdapter<Tx> {
  const table = barrierTable(executor.dialect, options);
  const { dialect, name, quoted } = table;
  const insertText = dialect.insert(quoted);
  const readKeyText = dialect.readKey?.(quoted);
  const readReasonText = dialect.readReason(quoted);

  /** Throws unless the table has exactly this key. */
  async function assertExactKey(tx: Tx, row: BarrierKey, text: string, reason: string): Promise<void> {
    const key = [row.gid, row.branchId, row.op, row.barrierId];
    const found = await executor.query(tx, text, key);
    const hasKey = found.some(({ gid, branch, op, barrier }) =>
      [gid, branch, op, barrier].every((part, index) => String(part) === key[index]),
    );
    if (!hasKey) throw new Error(`${quoted} does not have the row ${key.join('/')}: ${reason}`);
  }

  async function createTable(tx: Tx): Promise<void> {
    const run = (text: string, parameters: readonly string[] = []) => executor.query(tx, text, parameters);
    const existing = dialect.findTable?.(name);
    // before the search: a session that has not found the table still does not find it after waiting for the lock
    if (dialect.ddlLock !== undefined) await run(dialect.ddlLock);
    // an account without the right to create tables can start on an existing table
    if (existing && (await run(existing.text, existing.parameters)).length > 0) return;
    for (const statement of dialect.ddl(name)) await run(statement);
  }

  return {
    pool: executor.pool,
    transaction: (work) => executor.transaction(work),

    async insert(tx, row) {
      const { transType, gid, branchId, op, barrierId, reason } = row;
      const count = await executor.execute(tx, insertText, [transType, gid, branchId, op, barrierId, reason]);
      if (count === 1) return true;
      if (count !== 0) throw new Error(`the insert into ${quoted} affected ${String(count)} rows; expected 0 or 1`);
      if (readKeyText !== undefined) await assertExactKey(tx, row, readKeyText, COLLISION);
      return false;
    },

    async findReason(tx, { gid, branchId, op, barrierId }) {
      const [row] = await executor.query(tx, readReasonText, [gid, branchId, op, barrierId]);
      return row && String(row['reason']);
    },

    async assertTransaction(tx) {
      if (await executor.isOpen(tx)) return;
      throw new DtmArgumentError(
        `barrier.join needs an open transaction that has not failed: pass ${executor.transactionHint}`,
      );
    },

    async verify(tx, row, owned) {
      if (!(await executor.isOpen(tx))) throw new Error(ENDED);
      const isChecked = executor.noticesFailure === true || (owned && executor.reportsRollback === true);
      if (dialect.probe !== undefined && !isChecked) await executor.query(tx, dialect.probe, []);
      if (readKeyText !== undefined) await assertExactKey(tx, row, readKeyText, LOST);
    },

    describeError: (error) => describeSqlError(table, error),

    async createTable() {
      try {
        await executor.transaction(createTable);
      } catch (error) {
        if (error instanceof DtmError) throw error;
        const reason = errorText(error);
        throw new DtmBarrierError(`could not create the barrier table ${quoted}: ${reason}`, { cause: error });
      }
    },
  };
}
