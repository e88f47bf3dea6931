import { PGlite, type Transaction } from '@electric-sql/pglite';
import { Client, Pool, type PoolClient } from 'pg';
import type { BarrierAdapter } from 'nestjs-dtm/barrier';
import { pgBarrier } from 'nestjs-dtm/barrier/pg';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { sqlBarrier } from 'nestjs-dtm/barrier/sql';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { pgPoolFixture } from './fixtures/pg-pool-fixture.js';

const postgres = requireOrSkip('postgres');

describe('pgBarrier', () => {
  it('gives business code the handle of the library', () => {
    expectTypeOf<ReturnType<typeof forPool>>().toEqualTypeOf<BarrierAdapter<PoolClient>>();
    expectTypeOf<ReturnType<typeof forClient>>().toEqualTypeOf<BarrierAdapter<Client>>();
    expectTypeOf<ReturnType<typeof forPoolClient>>().toEqualTypeOf<BarrierAdapter<PoolClient>>();
    expectTypeOf<ReturnType<typeof forPGlite>>().toEqualTypeOf<BarrierAdapter<Transaction>>();
  });

  it.each([undefined, null, 'postgres://localhost', {}, { query: 'select 1' }, { connect() {} }])(
    'refuses %o',
    (database) => {
      expect(() => pgBarrier(database as never)).toThrow(DtmConfigError);
    },
  );

  it('refuses a call inside another one on PGlite, and runs READ COMMITTED there too', async () => {
    const database = await PGlite.create();
    const adapter = pgBarrier(database);
    await adapter.createTable();
    const story = new BranchStory({} as BarrierFixture<Transaction>);
    const barrier = story.request('action');
    // a new adapter, as in a handler
    const nested = barrier.call(adapter, () => barrier.call(pgBarrier(database), async () => 'never'));
    await expect(nested).rejects.toThrow(DtmConfigError);
    expect(await barrier.call(adapter, async () => 'ran')).toBe('ran');

    await database.query('set default_transaction_isolation = serializable');
    const level = await barrier.call(adapter, async (tx) => (await tx.query('show transaction_isolation')).rows);
    expect(level).toEqual([{ transaction_isolation: 'read committed' }]);
    await database.close();
  });

  describe('with a pool whose connections misbehave', () => {
    it('reports a rollback at the commit', async () => {
      const { barrier, adapter, released } = misbehaving(async (text) => (text === 'commit' ? 'ROLLBACK' : ''));
      await expect(barrier.call(adapter, async () => 'done')).rejects.toThrow(/rolled back .*retry/);
      expect(released).toEqual([false]);
    });

    it.each(['begin isolation level read committed', 'commit', 'rollback'])(
      'closes a connection whose %s failed',
      async (statement) => {
        const { barrier, adapter, released } = misbehaving(async (text) => {
          if (text === statement) throw new Error('timeout');
          return '';
        });
        const failure = new Error('no');
        const call = barrier.call(adapter, async () => {
          if (statement === 'rollback') throw failure;
        });
        await (statement === 'rollback'
          ? expect(call).rejects.toBe(failure)
          : expect(call).rejects.toThrow(/timeout; the coordinator will retry/));
        expect(released).toEqual([true]);
      },
    );
  });
});

describe.skipIf(!postgres.available)(postgres.title('pgBarrier on PostgreSQL'), () => {
  let server: PostgresServer;
  let fixture: BarrierFixture<PoolClient>;
  beforeAll(async () => {
    server = await startPostgres();
    fixture = await pgPoolFixture(server.url);
    await prepare(fixture);
  });
  afterAll(async () => {
    await fixture?.close();
    await server?.stop();
  });

  it('creates the table through a library that cannot read columns of the type void', async () => {
    const VOID = 2278;
    const client = new Client(server.url);
    await client.connect();
    const adapter = sqlBarrier<Client>(
      {
        dialect: 'postgres',
        transactionHint: 'the client',
        transaction: (work) => work(client),
        execute: async () => undefined,
        async query(tx, text, parameters) {
          const { rows, fields } = await tx.query<Record<string, unknown>>(text, [...parameters]);
          const unreadable = fields.find(({ dataTypeID }) => dataTypeID === VOID);
          if (unreadable) throw new Error(`the column ${unreadable.name} has the type void`);
          return rows;
        },
        isOpen: () => true,
      },
      { schema: '', table: 'without_void' },
    );
    await adapter.createTable();
    expect((await client.query('select * from without_void')).rows).toEqual([]);
    await client.end();
  });

  it('releases every connection, and uses only one when the pool has one', async () => {
    const pool = new Pool({ connectionString: server.url, max: 1 });
    const story = new BranchStory(fixture);
    const barrier = story.request('action');
    const calls = Array.from({ length: 10 }, (_, index) =>
      barrier.call(pgBarrier(pool), async (client) => {
        await story.work(`action ${index}`)(client);
        if (index % 2 === 1) throw new Error('no');
      }),
    );
    await Promise.allSettled(calls);
    expect(await story.effects()).toEqual(['action 0', 'action 2', 'action 4', 'action 6', 'action 8']);
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]);
    const client = await pool.connect();
    expect(client.listenerCount('error')).toBe(0);
    client.release();
    await pool.end();
  });

  it('closes a lost connection', async () => {
    const pool = new Pool({ connectionString: server.url, max: 1 });
    pool.on('error', () => {}); // every pool of node-postgres needs one
    const story = new BranchStory(fixture);
    const lost = story.request('action').call(pgBarrier(pool), (client) => fixture.sessions!.kill(client));
    await expect(lost).rejects.toThrow(/retry/);
    expect(pool.totalCount).toBe(0);
    expect(await story.request('action').call(pgBarrier(pool), story.work('action'))).toBe('did action');
    await pool.end();
  });

  it('runs READ COMMITTED whatever the default of the connection', async () => {
    const pool = new Pool({
      connectionString: server.url,
      options: '-c default_transaction_isolation=serializable -c default_transaction_deferrable=on',
    });
    const story = new BranchStory(fixture);
    const level = await story
      .request('action')
      .call(pgBarrier(pool), async (client) => (await client.query('show transaction_isolation')).rows);
    expect(level).toEqual([{ transaction_isolation: 'read committed' }]);
    await pool.end();
  });

  describe.each(['that reports its state', 'of an old version that does not report its state'])(
    'a client %s',
    (kind) => {
      let client: Client;
      let story: BranchStory<PoolClient>;
      beforeAll(async () => {
        const connected = new Client({ connectionString: server.url });
        await connected.connect();
        client = kind.startsWith('of an old') ? withoutStatus(connected) : connected;
      });
      afterAll(() => client?.end());
      beforeEach(() => {
        story = new BranchStory(fixture);
      });
      const work = (op: string) => async (tx: Client) => void (await story.work(op)(tx as PoolClient));

      it('runs one transaction after the other', async () => {
        const barrier = story.request('action');
        const failing = barrier.call(pgBarrier(client), async (tx) => {
          await work('undone')(tx);
          throw new Error('no');
        });
        const other = barrier.call(pgBarrier(client), work('done'));
        await expect(failing).rejects.toThrow('no');
        await other;
        expect(await story.effects()).toEqual(['done']);
      });

      it('refuses a call inside another one', async () => {
        const barrier = story.request('action');
        const nested = barrier.call(pgBarrier(client), () => barrier.call(pgBarrier(client), work('never')));
        await expect(nested).rejects.toThrow(/barrier\.join/);
        expect(await story.effects()).toEqual([]);
      });

      it("does not commit the user's own transaction", async () => {
        await client.query('begin');
        await work('undone')(client);
        const call = story.request('action').call(pgBarrier(client), work('never'));
        await expect(call).rejects.toThrow(/already in a transaction/);
        await client.query('rollback');
        expect(await story.effects()).toEqual([]);
      });

      it('joins only where BEGIN came before, and nothing failed since', async () => {
        const join = () => story.request('action').join(pgBarrier(client), client, work('action'));
        await expect(join()).rejects.toThrow(DtmArgumentError);
        await client.query('begin');
        await client.query('select * from no_such_thing').catch(() => {});
        await client.query('select 1').catch(() => {});
        await expect(join()).rejects.toThrow(DtmArgumentError);
        await client.query('rollback');
        await client.query('begin');
        await join();
        await client.query('commit');
        await expect(join()).rejects.toThrow(DtmArgumentError);
        expect(await story.effects()).toEqual(['action']);
      });
    },
  );

  it('does not release a client of a pool', async () => {
    const pool = new Pool({ connectionString: server.url });
    const client = await pool.connect();
    const story = new BranchStory(fixture);
    expect(await story.request('action').call(pgBarrier(client), story.work('action'))).toBe('did action');
    expect(pool.idleCount).toBe(0);
    client.release();
    await pool.end();
  });
});

function withoutStatus(client: Client): Client {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = name === 'getTransactionStatus' ? undefined : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A pool of one connection whose statements do as the test says. */
const misbehaving = (query: (text: string) => Promise<string>) => {
  const released: unknown[] = [];
  const client = {
    getTransactionStatus: () => 'T',
    query: async (text: string) => ({ rows: [], rowCount: 1, command: await query(text) }),
    release: (broken: boolean) => void released.push(broken),
  };
  const adapter = pgBarrier({ totalCount: 1, connect: async () => client });
  return { released, adapter, barrier: new BranchStory({} as BarrierFixture<typeof client>).request('action') };
};

// never called: they show what is inferred from the libraries' own types
const forPool = (pool: Pool) => pgBarrier(pool);
const forClient = (client: Client) => pgBarrier(client);
const forPoolClient = (client: PoolClient) => pgBarrier(client);
const forPGlite = (database: PGlite) => pgBarrier(database);
