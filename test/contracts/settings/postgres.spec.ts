import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Pool } from 'pg';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from '../barrier/barrier-contract.js';
import { pgPoolFixture } from '../barrier/fixtures/pg-pool-fixture.js';
import { typeOrmFixture } from '../barrier/fixtures/typeorm-fixture.js';
import { branchOf, detailsOf } from '../store/records.js';
import { postgres, type SqlServer } from '../store/sql-servers.js';
import { postgresStore } from '../store/sql-stores.js';
import { describeStore } from '../store/store-contract.js';
import { pgXaFixture } from '../xa/fixtures/pg-fixture.js';
import { xaContract } from '../xa/xa-contract.js';

/** Defaults that differ from those of PostgreSQL, as `alter database` and `alter role` could set them too. */
const TURNED = {
  array_nulls: 'off',
  backslash_quote: 'off',
  bytea_output: 'escape',
  client_encoding: 'LATIN1',
  client_min_messages: 'debug1',
  DateStyle: 'German, DMY',
  default_toast_compression: 'pglz',
  default_transaction_deferrable: 'on',
  default_transaction_isolation: 'serializable',
  extra_float_digits: '-15',
  idle_in_transaction_session_timeout: '40s',
  IntervalStyle: 'sql_standard',
  lock_timeout: '30s',
  plan_cache_mode: 'force_custom_plan',
  quote_all_identifiers: 'on',
  search_path: 'elsewhere',
  standard_conforming_strings: 'off',
  statement_timeout: '50s',
  synchronous_commit: 'off',
  TimeZone: 'Asia/Kolkata',
  transform_null_equals: 'on',
  xmlbinary: 'hex',
};

const service = requireOrSkip('postgres');

describe.skipIf(!service.available)(service.title('PostgreSQL with other defaults'), () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await postgres.start(Object.entries(TURNED).flatMap(([name, value]) => ['-c', `${name}=${value}`]));
    await server.ofGo.sql('create schema elsewhere');
  });
  afterAll(() => server?.stop());

  it('has them in new sessions', async () => {
    const [row] = await server.ofGo.sql(
      `select current_setting('bytea_output') as b, current_setting('TimeZone') as z`,
    );
    expect(row).toEqual({ b: 'escape', z: 'Asia/Kolkata' });
  });

  describeStore('store', () => server.newTables().store());

  it('a store on a pool of the application reads every byte, and nulls as nulls', async () => {
    const pool = new Pool({ connectionString: server.url, max: 2 });
    onTestFinished(() => pool.end());
    const store = postgresStore({ pool, schema: 'of_a_pool' });
    await store.open();
    onTestFinished(() => store.close());
    const payload = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
    const details = { ...detailsOf('bytes'), branches: [branchOf('01', { payload })] };
    expect(await store.create(details)).toBe(true);
    expect(await store.find('bytes')).toEqual(details);
  });

  barrierContract('pgBarrier with a pool', () => pgPoolFixture(server.url));
  barrierContract('typeOrmBarrier', () => typeOrmFixture({ type: 'postgres', url: server.url, extra: { max: 30 } }));
  xaContract('pgXa', () => pgXaFixture(server.url));
});
