import type { PgClient, PgPool } from '../../barrier/pg/index.js';
import { DtmConfigError } from '../../protocol/internal.js';
import { memoizePerPool } from '../memoize-per-pool.js';
import { withClient } from './pg-xa-pool.js';

/** Throws DtmConfigError when the server of a pool does not allow prepared transactions. */
export const assertPreparedTransactions = memoizePerPool(async (pool: PgPool<PgClient>) => {
  const { rows } = await withClient(pool, (client) =>
    client.query("select current_setting('max_prepared_transactions')::int as most"),
  );
  if ((rows as { most: number }[])[0]?.most !== 0) return;
  throw new DtmConfigError(
    'XA needs max_prepared_transactions above 0 in postgresql.conf, and at least the number of branches that are prepared at ' +
      'the same time; restart PostgreSQL to apply it',
  );
});
