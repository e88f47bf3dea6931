import { DtmArgumentError, DtmBarrierError, DtmError, errorText } from '../../protocol/internal.js';
import type { BarrierAdapter, BarrierKey } from '../barrier-adapter.js';
import { barrierTable } from './barrier-table.js';
import { describeSqlError } from './describe-sql-error.js';
import type { SqlExecutor } from './sql-executor.js';
import type { BarrierTableOptions } from './barrier-table-name.js';

const COLLISION =
  'an insert was refused, but not because of this very key. Either the table compares ids without regard to case or ' +
  'blanks, or it cannot store their characters; create it anew with a binary utf8mb4 collation';

const SWALLOWED =
  'the database rolled the transaction back while the business code ran, for a deadlock perhaps, and the business code ' +
  'swallowed the error or ended the transaction itself';

/**
 * Makes a barrier adapter from the few things that an SQL library must be able to do.
 *
 * @param executor - the library
 * @param options - where the barrier table is
 * @throws DtmConfigError when the name of the table is not allowed
 */
export function sqlBarrier<Tx>(executor: SqlExecutor<Tx>, options?: BarrierTableOptions): BarrierAdapter<Tx> {
  const table = barrierTable(executor.dialect, options);
  const { dialect, name, quoted } = table;
  const insertText = dialect.insert(quoted);
  const readKeyText = dialect.readKey?.(quoted);
  const readReasonText = dialect.readReason(quoted);

  /** Refuses to go on unless the table holds exactly this key. */
  async function assertExactKey(tx: Tx, row: BarrierKey, text: string, otherwise: string): Promise<void> {
    const wanted = [row.gid, row.branchId, row.op, row.barrierId];
    const found = await executor.query(tx, text, wanted);
    const exact = found.some((key) =>
      [key['gid'], key['branch'], key['op'], key['barrier']].every((part, index) => String(part) === wanted[index]),
    );
    if (!exact) throw new Error(`${quoted} does not hold the row ${wanted.join('/')}: ${otherwise}`);
  }

  async function createTable(tx: Tx): Promise<void> {
    const run = (text: string, parameters: readonly string[] = []) => executor.query(tx, text, parameters);
    const existing = dialect.findTable?.(name);
    // before anything is looked for: what a session has not found it goes on not finding while it waits for the lock
    if (dialect.ddlLock !== undefined) await run(dialect.ddlLock);
    // an account without the right to create must be able to start on an existing table
    if (existing && (await run(existing.text, existing.parameters)).length > 0) return;
    for (const statement of dialect.ddl(name)) await run(statement);
  }

  return {
    transaction: (work) => executor.transaction(work),

    async insert(tx, row) {
      const { transType, gid, branchId, op, barrierId, reason } = row;
      const count = await executor.execute(tx, insertText, [transType, gid, branchId, op, barrierId, reason]);
      if (count === 1) return true;
      if (count !== 0) throw new Error(`the insert into ${quoted} affected ${String(count)} rows, not 0 or 1`);
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
        `barrier.join needs an open transaction that has not failed: ${executor.transactionHint}`,
      );
    },

    async verify(tx, row, owned) {
      if (!(await executor.isOpen(tx))) throw new Error('the transaction ended while the business code ran');
      const commitTells = owned && executor.reportsRollback === true;
      if (dialect.probe !== undefined && !commitTells) await executor.query(tx, dialect.probe, []);
      if (readKeyText !== undefined) await assertExactKey(tx, row, readKeyText, SWALLOWED);
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
