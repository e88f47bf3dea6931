import { pgXa } from 'nestjs-dtm/xa/pg';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { pgXaFixture } from './fixtures/pg-fixture.js';
import { registered } from './xa-fixture.js';
import { xaContract } from './xa-contract.js';
import { survivesCrash } from './crash.js';

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('XA on PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  xaContract('pgXa', () => pgXaFixture(server.url));
  it('closes a connection whose server accepts no writes any more', async () => {
    const pool = new Pool({ connectionString: server.url, max: 2 });
    onTestFinished(() => pool.end());
    const adapter = pgXa(pool);
    await adapter.createTable();
    await pool.query('set session characteristics as transaction read only');
    const prepare = () => adapter.prepare({ gid: 'failover', branchId: '01' }, async () => 'did', registered);
    await expect(prepare()).rejects.toThrow(/accepts no writes/);
    expect(pool.totalCount).toBe(0);
    expect(await prepare()).toBe('did');
    await pool.query('set session characteristics as transaction read only');
    await expect(adapter.rollback({ gid: 'failover', branchId: '01' })).rejects.toThrow(/accepts no writes/);
    await adapter.rollback({ gid: 'failover', branchId: '01' });
  });

  it('finds a missing barrier table', async () => {
    const pool = new Pool({ connectionString: server.url, max: 2 });
    onTestFinished(() => pool.end());
    const adapter = pgXa(pool, { schema: '', table: 'not_created' });
    await expect(adapter.assertTable?.()).rejects.toThrow(/"not_created" is missing; create it/);
    await adapter.createTable();
    await adapter.assertTable?.();
  });

  survivesCrash(
    () => server,
    () => pgXaFixture(server.url),
  );
});
