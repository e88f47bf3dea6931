import type { DataSource, EntityManager, QueryResult, QueryRunner } from 'typeorm';
import { DtmConfigError } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import { runExclusive } from '../sql/run-exclusive.js';
import { isPostgresTransactionOpen, type PostgresConnection } from '../sql/is-postgres-transaction-open.js';
import { sqlBarrier, type BarrierTableOptions, type SqlDialectName } from '../sql/index.js';
import { runTransaction } from '../sql/run-transaction.js';
import { DataSourcePool, closeConnection } from './data-source-pool.js';
import { withoutEscapes } from '../sql/without-escapes.js';

/** Types of data sources whose driver reports the number of affected rows; `sqlite` exists in TypeORM 0.3. */
const DIALECTS: ReadonlyMap<string, SqlDialectName> = new Map([
  ['postgres', 'postgres'],
  ['mysql', 'mysql'],
  ['mariadb', 'mysql'],
  ['better-sqlite3', 'sqlite'],
  ['sqlite', 'sqlite'],
  ['sqljs', 'sqlite'],
]);

/**
 * Creates a barrier adapter for a TypeORM data source of type `postgres`, `mysql`, `mariadb`, `better-sqlite3` (also libSQL,
 * with `driver: libsql`), `sqlite` or `sqljs`. Business code receives the EntityManager of the transaction.
 *
 * SQLite data sources have one connection: their calls wait for each other. When other code has an open transaction, a call
 * throws DtmBarrierError, and dtm retries the branch.
 *
 * @param dataSource - data source, initialized before the first call
 * @param options - where the barrier table is
 * @throws DtmConfigError when the type of database is not supported, or the name of the table is not allowed
 *
 * @example
 * await barrier.call(typeOrmBarrier(dataSource), (manager) => manager.increment(Account, { id }, 'balance', 30));
 */
export function typeOrmBarrier(dataSource: DataSource, options?: BarrierTableOptions): BarrierAdapter<EntityManager> {
  const { type } = dataSource.options;
  const dialect = DIALECTS.get(type);
  if (dialect === undefined) {
    throw new DtmConfigError(
      `typeOrmBarrier does not support data sources of type "${type}"; use one of ${[...DIALECTS.keys()].join(', ')}`,
    );
  }
  return sqlBarrier<EntityManager>(
    {
      dialect,
      transactionHint: 'the EntityManager that dataSource.transaction() gives to its callback',
      transaction: (work) =>
        dialect === 'sqlite' ? onSharedConnection(dataSource, work) : onOwnConnection(dataSource, work),
      pool: dialect === 'sqlite' ? undefined : new DataSourcePool(dataSource),
      execute: async (manager, text, parameters) => (await run(dialect, manager, text, parameters)).affected,
      query: async (manager, text, parameters) => (await run(dialect, manager, text, parameters)).records,
      async isOpen(manager) {
        const runner = (manager as EntityManager | undefined)?.queryRunner;
        if (!runner?.isTransactionActive || runner.isReleased) return false;
        return dialect !== 'postgres' || isPostgresTransactionOpen((await runner.connect()) as PostgresConnection);
      },
    },
    options,
  );
}

/** `manager.query()` does not return the number of affected rows. */
function run(
  dialect: SqlDialectName,
  manager: EntityManager,
  text: string,
  parameters: readonly string[],
): Promise<QueryResult> {
  const statement = dialect === 'mysql' ? withoutEscapes(text, parameters) : { text, parameters };
  return runnerOf(manager).query(statement.text, [...statement.parameters], true);
}

function runnerOf(manager: EntityManager): QueryRunner {
  const { queryRunner } = manager;
  if (queryRunner) return queryRunner;
  throw new Error('the EntityManager of the transaction has no query runner');
}

/** `dataSource.transaction()` would give a connection back to the pool that must not be used again. */
function onOwnConnection<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
  return runTransaction(
    {
      begin: () => runner.startTransaction('READ COMMITTED'),
      async commit() {
        await runner.commitTransaction();
        return true;
      },
      rollback: () => runner.rollbackTransaction(),
      async release(isBroken) {
        if (isBroken) await closeConnection(runner);
        await runner.release();
      },
    },
    () => work(runner.manager),
  );
}

function onSharedConnection<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  return runExclusive(dataSource, () => {
    // TypeORM would open a savepoint in a transaction that other code can roll back
    if (dataSource.createQueryRunner().isTransactionActive) {
      throw new Error(
        'another transaction is open on the only connection of the data source; inside this transaction use barrier.join',
      );
    }
    return dataSource.transaction(work);
  });
}
