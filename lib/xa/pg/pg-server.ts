import type { PgClient } from '../../barrier/pg/index.js';
import { DtmConfigError } from '../../protocol/internal.js';
import { oncePerPool } from '../once-per-pool.js';
import { onClient, type PgXaPool } from './pg-pool.js';

/** Throws DtmConfigError where the server of a pool prepares no transactions. */
export const checkServer = oncePerPool(async (pool: PgXaPool<PgClient>) => {
  const { rows } = await onClient(pool, (client) =>
    client.query("select current_setting('max_prepared_transactions')::int as most"),
  );
  if ((rows as { most: number }[])[0]?.most !== 0) return;
  throw new DtmConfigError(
    'XA needs max_prepared_transactions above 0 in postgresql.conf, at least as many as branches can be prepared at a time; ' +
      'PostgreSQL must be started anew for it',
  );
});
