import type { PgClient } from '../../barrier/pg/index.js';
import { DtmConfigError } from '../../protocol/internal.js';
import { memoizePerPool } from '../memoize-per-pool.js';
import { withClient, type PgXaPool } from './pg-xa-pool.js';

/** Throws DtmConfigError where the server of a pool prepares no transactions. */
export const assertPreparedTransactions = memoizePerPool(async (pool: PgXaPool<PgClient>) => {
  const { rows } = await withClient(pool, (client) =>
    client.query("select current_setting('max_prepared_transactions')::int as most"),
  );
  if ((rows as { most: number }[])[0]?.most !== 0) return;
  throw new DtmConfigError(
    'XA needs max_prepared_transactions above 0 in postgresql.conf, at least as many as branches can be prepared at a time; ' +
      'PostgreSQL must be started anew for it',
  );
});
