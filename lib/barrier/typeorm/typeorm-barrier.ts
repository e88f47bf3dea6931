import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { DtmConfigError } from '../../protocol/internal.js';
import type { BarrierAdapter } from '../barrier-adapter.js';
import { runExclusive } from '../sql/run-exclusive.js';
import { isPostgresTransactionOpen, type PostgresConnection } from '../sql/is-postgres-transaction-open.js';
import { sqlBarrier, type BarrierTableOptions, type SqlDialectName } from '../sql/index.js';

/** Types of data source whose driver gives the number of affected rows; `sqlite` is a name of TypeORM 0.3. */
const DIALECTS: ReadonlyMap<string, SqlDialectName> = new Map([
  ['postgres', 'postgres'],
  ['mysql', 'mysql'],
  ['mariadb', 'mysql'],
  ['better-sqlite3', 'sqlite'],
  ['sqlite', 'sqlite'],
  ['sqljs', 'sqlite'],
]);

/**
 * Barrier in the database of a TypeORM data source: `postgres`, `mysql`, `mariadb`, `better-sqlite3` (libSQL too, by
 * `driver: libsql`), `sqlite` and `sqljs`. Business code gets the EntityManager of the transaction.
 *
 * The SQLite data sources share one connection among everybody, so their calls wait for each other, and a call that finds
 * a transaction of somebody else open is refused with DtmBarrierError, to be retried.
 *
 * @param dataSource - the data source; initialized before the first call
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
      `typeOrmBarrier does not support data sources of type "${type}", only ${[...DIALECTS.keys()].join(', ')}`,
    );
  }
  return sqlBarrier<EntityManager>(
    {
      dialect,
      transactionHint: 'the EntityManager that dataSource.transaction() gives to its callback',
      transaction: (work) =>
        dialect === 'sqlite' ? onSharedConnection(dataSource, work) : dataSource.transaction('READ COMMITTED', work),
      // manager.query() would leave out the number of affected rows
      execute: async (manager, text, parameters) =>
        (await runnerOf(manager).query(text, [...parameters], true)).affected,
      query: async (manager, text, parameters) => (await runnerOf(manager).query(text, [...parameters], true)).records,
      async isOpen(manager) {
        const runner = (manager as EntityManager | undefined)?.queryRunner;
        if (!runner?.isTransactionActive || runner.isReleased) return false;
        return dialect !== 'postgres' || isPostgresTransactionOpen((await runner.connect()) as PostgresConnection);
      },
    },
    options,
  );
}

function runnerOf(manager: EntityManager): QueryRunner {
  const { queryRunner } = manager;
  if (queryRunner) return queryRunner;
  throw new Error('the EntityManager of the transaction has no query runner');
}

function onSharedConnection<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  return runExclusive(dataSource, () => {
    // TypeORM would open a savepoint in a transaction that somebody else may roll back
    if (dataSource.createQueryRunner().isTransactionActive) {
      throw new Error(
        'another transaction is open on the only connection of the data source; inside it use barrier.join',
      );
    }
    return dataSource.transaction(work);
  });
}
