import type { PgClient, PgPool } from '../../barrier/pg/index.js';
import { DtmConfigError } from '../../protocol/index.js';
import { oncePerPool } from '../once-per-pool.js';

/** A pool of connections: node-postgres `Pool`. */
export interface PgXaPool<Client> extends PgPool<Client> {
  /** Options that it was made with. */
  readonly options?: { readonly max?: number | undefined };
}

/** A client out of a pool. */
export type PooledClient = PgClient & { release(error?: Error | boolean): void };

/** Throws DtmConfigError where the server of a pool prepares no transactions. */
export const checkServer = oncePerPool(async (pool: PgXaPool<PgClient>) => {
  const client = (await pool.connect()) as PooledClient;
  let isBroken = true;
  try {
    const { rows } = await client.query("select current_setting('max_prepared_transactions')::int as most");
    isBroken = false;
    if ((rows as { most: number }[])[0]?.most === 0) {
      throw new DtmConfigError(
        'XA needs max_prepared_transactions above 0 in postgresql.conf, at least as many as branches can be prepared at a ' +
          'time; PostgreSQL must be started anew for it',
      );
    }
  } finally {
    client.release(isBroken);
  }
});

/** Code of an error of the server. */
export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
