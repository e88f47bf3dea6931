import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm';
import { typeOrmBarrier } from 'nestjs-dtm/barrier/typeorm';
import type { BarrierBed } from '../barrier-bed.js';
import { MYSQL_SESSIONS } from './mysql2-pool-bed.js';
import { POSTGRES_SESSIONS } from './pg-pool-bed.js';

/** Any database that TypeORM reaches. */
export async function typeOrmBed(options: DataSourceOptions): Promise<BarrierBed<EntityManager>> {
  const dataSource = await new DataSource(options).initialize();
  const { type } = options;
  const dialect = type === 'postgres' ? 'postgres' : type === 'mariadb' || type === 'mysql' ? 'mysql' : 'sqlite';
  const sessions = dialect === 'postgres' ? POSTGRES_SESSIONS : MYSQL_SESSIONS;
  const rows = (sql: string) => dataSource.query<Record<string, unknown>[]>(sql);

  let ended: EntityManager | undefined;
  await dataSource.transaction(async (manager) => {
    ended = manager;
  });

  return {
    dialect,
    adapter: (table) => typeOrmBarrier(dataSource, table),
    async begin(isolation) {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction(isolation ?? (dialect === 'sqlite' ? undefined : 'READ COMMITTED'));
      return {
        tx: runner.manager,
        async commit() {
          await runner.commitTransaction();
          await runner.release();
        },
        async rollback() {
          await runner.rollbackTransaction();
          await runner.release();
        },
      };
    },
    query: (manager, sql) => manager.query(sql),
    rows,
    notTransactions: {
      'the data source': dataSource,
      "the data source's manager": dataSource.manager,
      'an ended transaction': ended,
    },
    ...(dialect !== 'sqlite' && {
      sessions: {
        waiting: async () => Number((await rows(sessions.waiting))[0]?.['n']),
        async kill(manager) {
          const id = (await manager.query<Record<string, unknown>[]>(sessions.own))[0]?.['id'];
          await rows(sessions.kill(id));
          while ((await rows(sessions.alive(id))).length > 0);
        },
      },
    }),
    ...(dialect !== 'sqlite' && {
      small: (connections: number) =>
        typeOrmBed({
          ...options,
          poolSize: connections,
          extra: { max: connections, connectionLimit: connections },
        } as DataSourceOptions),
    }),
    close: () => dataSource.destroy(),
  };
}
