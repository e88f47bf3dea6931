import { DtmArgumentError, DtmConfigError, DtmStoreError } from 'nestjs-dtm/protocol';
import { Pool, type CustomTypesConfig, type PoolConfig } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TIME, branchOf, detailsOf, transactionOf } from './records.js';
import { postgres } from './sql-servers.js';
import { describeSqlStore, type SqlStoreFixture } from './sql-store-contract.js';
import { postgresStore, type PostgresStoreOptions } from './sql-stores.js';

function poolOf({ server }: SqlStoreFixture, config: PoolConfig = {}): Pool {
  const { host, port } = server;
  const pool = new Pool({ host, port, user: 'dtm', password: 'dtm', database: 'dtm', ...config });
  onTestFinished(() => pool.end());
  return pool;
}

describeSqlStore(postgres, (fixture) => {
  describe('a pool of the application', () => {
    it('is used with its settings and stays open', async () => {
      const pool = poolOf(fixture, {
        options: '-c timezone=Asia/Kolkata -c datestyle=German -c default_transaction_isolation=serializable',
        types: { getTypeParser: () => () => 'read by the application' } as unknown as CustomTypesConfig,
        max: 3,
      });
      const store = postgresStore({ pool, schema: 'of_a_pool' });
      await store.open();
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.create(detailsOf(`g${index}`))));
      const changed = branchOf('01', { payload: new Uint8Array([0, 255]), status: 'succeed', finishTime: TIME + 1 });
      await store.update(
        { status: 'submitted' },
        transactionOf('g7', { nextCronTime: TIME + 2 }),
        new Map([[1, changed]]),
      );
      expect(await store.find('g7')).toMatchObject({
        transaction: { createTime: TIME, nextCronTime: TIME + 2 },
        branches: [{}, { status: 'succeed', finishTime: TIME + 1 }],
      });
      expect(await store.claim(TIME, 'me', () => TIME + 5, 100)).toHaveLength(49);
      await store.close();
      const { rowCount } = await pool.query('select 1');
      expect(rowCount).toBe(1);
      expect(pool.idleCount).toBe(pool.totalCount);
    });

    it('with few connections is shared fairly', async () => {
      const pool = poolOf(fixture, { max: 1 });
      const store = postgresStore({ pool, schema: 'of_a_small_pool' });
      await store.open();
      onTestFinished(() => store.close());
      const writes = Array.from({ length: 50 }, (_, index) => store.create(detailsOf(`g${index}`)));
      const { rowCount } = await pool.query('select 1');
      expect(rowCount).toBe(1);
      expect(await Promise.all(writes)).toEqual(writes.map(() => true));
    });
  });

  it('a missing database is created, even concurrently', async () => {
    const { host, port } = fixture.server;
    const open = (): Promise<void> => {
      const store = postgresStore({ host, port, user: 'dtm', database: 'not-made-yet', maxConnections: 2 });
      onTestFinished(() => store.close());
      return store.open();
    };
    await Promise.all([open(), open(), open()]);
  });

  it('a user who cannot create the tables is told what to run, and can use the tables then', async () => {
    const { host, port, ofGo } = fixture.server;
    await ofGo.sql('create role clerk login');
    const schema = 'of_clerks';
    const store = postgresStore({ host, port, user: 'clerk', database: 'dtm', schema });
    onTestFinished(() => store.close());
    const error = await store.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DtmStoreError);
    const { message } = error as Error;
    expect(message).toMatch(/this user lacks the privilege/);
    await ofGo.sql(message.slice(message.indexOf('\n')));
    await ofGo.sql(`
      grant usage on schema ${schema} to clerk;
      grant select, insert, update, delete on all tables in schema ${schema} to clerk;
      grant usage on all sequences in schema ${schema} to clerk`);
    await store.open();
    expect(await store.create(detailsOf('g'))).toBe(true);
    expect(await store.find('g')).toEqual(detailsOf('g'));

    const elsewhere = postgresStore({ host, port, user: 'clerk', database: 'none' });
    await expect(elsewhere.open()).rejects.toThrow(
      /no database none, and this user cannot create it \(permission denied .*\); run there: create/,
    );
  });

  it('a NUL in a text that is not for people is refused, because PostgreSQL cannot store it', async () => {
    const store = await fixture.open(fixture.newTables());
    const writes = await Promise.allSettled([
      store.create(detailsOf('g1')),
      store.create(detailsOf('g2', { customData: '\0' })),
      store.create(detailsOf('g3')),
    ]);
    expect(writes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const { reason } = writes[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(DtmArgumentError);
    expect(reason.message).toBe('custom_data contains a NUL character, which PostgreSQL cannot store');
  });
});

describe('options of postgresStore', () => {
  it.each<[string, PostgresStoreOptions, RegExp]>([
    ['an invalid schema name', { schema: 'a"; drop table x; --' }, /schema is "a\\"; drop/],
    ['an invalid database name', { database: 'a b' }, /database is "a b"/],
    ['an invalid URL', { url: 'postgres://u:secret@:x/dtm' }, /url is not a valid URL/],
    ['a URL of another database', { url: 'mysql://u:secret@host/dtm' }, /must begin with postgres:\/\//],
    ['an unknown parameter', { url: 'postgres://u:secret@host/dtm?schema=x' }, /parameter schema of url/],
    ['an unknown sslmode', { url: 'postgres://u:secret@host/dtm?sslmode=maybe' }, /sslmode must be one of/],
    ['a URL and parts of it', { url: 'postgres://host/dtm', host: 'other' }, /set url or host, not both/],
    ['a pool and where to connect', { pool: {} as Pool, host: 'x' }, /pool/],
    ['something else as a pool', { pool: {} as Pool }, /pool must be a Pool of node-postgres/],
    ['an invalid port', { port: 70_000 }, /port must be from 1 to 65535/],
    ['no connections', { maxConnections: 0 }, /maxConnections must be/],
    ['no time', { timeoutSeconds: 0 }, /timeoutSeconds must be/],
  ])('refuse %s', (_, options, message) => {
    const make = (): unknown => postgresStore(options);
    expect(make).toThrow(DtmConfigError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });

  it('have defaults; the name contains the address but no secret', () => {
    expect(postgresStore().name).toBe('postgres localhost:5432/dtm, schema public');
    const url = 'postgres://me:se%40cret@[::1]:5433/shop?sslmode=require';
    expect(postgresStore({ url, schema: 'dtm' }).name).toBe('postgres ::1:5433/shop, schema dtm');
  });
});
