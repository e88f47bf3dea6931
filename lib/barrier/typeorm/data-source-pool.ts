import type { DataSource, QueryRunner } from 'typeorm';
import type { ConnectionLimit } from '../use-connection.js';

/** Limit of the pools below TypeORM when nothing is set. */
const DEFAULT_CONNECTIONS = 10;

/** A pool of node-postgres, mysql2 or mysql. */
interface DriverPool {
  readonly options?: { readonly max?: number };
  readonly config?: { readonly connectionLimit?: number };
}

/** The pool below a data source, which exists only after `initialize()`. */
export class DataSourcePool implements ConnectionLimit {
  constructor(readonly key: DataSource) {}

  get connections(): number {
    const { master, pool } = this.key.driver as { readonly master?: DriverPool; readonly pool?: DriverPool };
    const limit = master?.options?.max ?? pool?.config?.connectionLimit ?? DEFAULT_CONNECTIONS;
    // 0 means no limit in mysql2
    return limit === 0 ? Infinity : limit;
  }
}

/** Closes the connection of a query runner, so that its release does not give the connection back to the pool. */
export async function closeConnection(runner: QueryRunner): Promise<void> {
  try {
    const connection = (await runner.connect()) as { destroy?(): void; end?(): Promise<void> };
    if (connection.destroy) connection.destroy();
    else await connection.end?.();
  } catch {
    // there is no connection, or it is closed
  }
}
