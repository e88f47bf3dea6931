import createKnex from 'knex';
import { DummyDriver, Kysely, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler } from 'kysely';
import { knexBarrier } from 'nestjs-dtm/barrier/knex';
import { kyselyBarrier } from 'nestjs-dtm/barrier/kysely';
import { DtmBarrierError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { knexFixture } from './fixtures/knex-fixture.js';
import { kyselyFixture } from './fixtures/kysely-fixture.js';

const postgres = requireOrSkip('postgres');
const mariadb = requireOrSkip('mariadb');

/** Runs a test on the tables of the contract. */
async function on<Tx>(
  setup: Promise<BarrierFixture<Tx>>,
  test: (fixture: BarrierFixture<Tx>) => Promise<void>,
): Promise<void> {
  const fixture = await setup;
  onTestFinished(() => fixture.close());
  await prepare(fixture);
  await test(fixture);
}

async function reportsAnEnd<Tx>(fixture: BarrierFixture<Tx>): Promise<void> {
  for (const end of ['commit', 'rollback']) {
    const story = new BranchStory(fixture);
    const call = story.request('action').call(fixture.adapter(), async (tx) => void (await fixture.query(tx, end)));
    await expect(call).rejects.toThrow(DtmBarrierError);
    await expect(call).rejects.toThrow(/ended or failed while the business code ran.*retry/);
  }
}

async function keepsIds<Tx>(fixture: BarrierFixture<Tx>): Promise<void> {
  for (const ending of ["\\' or 1=1 -- ", "'", '"', '\\']) {
    const story = new BranchStory(fixture, `${new BranchStory(fixture).gid}${ending.trim()}`);
    const act = () =>
      story.request('action').call(fixture.adapter(), async (tx) => {
        await story.work('action')(tx);
        return 'acted';
      });
    await fixture.adapter().transaction((tx) => fixture.query(tx, "set session sql_mode = 'NO_BACKSLASH_ESCAPES'"));
    expect(await act(), ending).toBe('acted');
    expect(await act(), ending).toBeUndefined();
  }
}

describe.skipIf(!postgres.available)(postgres.title('adapters of libraries on PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it('kyselyBarrier reports a transaction that the business code ended', () =>
    on(kyselyFixture('postgres', server.url), reportsAnEnd));
  it('knexBarrier reports a transaction that the business code ended', () =>
    on(knexFixture('pg', server.url), reportsAnEnd));
});

describe.skipIf(!mariadb.available)(mariadb.title('adapters of libraries on MariaDB'), () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  it('kyselyBarrier reports a transaction that the business code ended', () =>
    on(kyselyFixture('mysql', server.url), reportsAnEnd));
  it('kyselyBarrier keeps ids whatever the SQL mode', () => on(kyselyFixture('mysql', server.url, 1), keepsIds));
  it('knexBarrier reports a transaction that the business code ended', () =>
    on(knexFixture('mysql2', server.url), reportsAnEnd));
  it('knexBarrier keeps ids whatever the SQL mode', () => on(knexFixture('mysql2', server.url, 1), keepsIds));
});

describe('knexBarrier', () => {
  it.each([undefined, null, {}, 'postgres://localhost'])('refuses %o', (knex) => {
    expect(() => knexBarrier(knex as never)).toThrow(DtmConfigError);
    expect(() => knexBarrier(knex as never)).toThrow(/an instance of Knex/);
  });

  it('names a client that it does not support, and those that it does', () => {
    const knex = createKnex({ client: 'cockroachdb' });
    expect(() => knexBarrier(knex)).toThrow(DtmConfigError);
    expect(() => knexBarrier(createKnex({ client: class extends createKnex.Client {} }))).toThrow(
      /use one of pg, mysql2/,
    );
  });

  it('refuses names of tables that are not allowed', () => {
    expect(() => knexBarrier(createKnex({ client: 'pg' }), { table: 'a b' })).toThrow(DtmConfigError);
  });
});

describe('kyselyBarrier', () => {
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (instance) => new MysqlIntrospector(instance),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
  });

  it.each([undefined, null, {}, 'postgres://localhost'])('refuses %o', (other) => {
    expect(() => kyselyBarrier(other as never, { dialect: 'postgres' })).toThrow(DtmConfigError);
    expect(() => kyselyBarrier(other as never, { dialect: 'postgres' })).toThrow(/an instance of Kysely/);
  });

  it('refuses a transaction as the instance', async () => {
    await db.transaction().execute(async (trx) => {
      expect(() => kyselyBarrier(trx, { dialect: 'mysql' })).toThrow(/pass a transaction to barrier\.join/);
    });
  });

  it('refuses a database that it does not know', () => {
    expect(() => kyselyBarrier(db, { dialect: 'mssql' as never })).toThrow(
      /"mssql"; use one of postgres, mysql, sqlite/,
    );
  });
});
