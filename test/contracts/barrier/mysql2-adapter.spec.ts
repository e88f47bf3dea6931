import callbackMysql from 'mysql2';
import mysql, { type Pool, type PoolConnection } from 'mysql2/promise';
import type { BarrierAdapter } from 'nestjs-dtm/barrier';
import { mysql2Barrier, type Mysql2Statement } from 'nestjs-dtm/barrier/mysql2';
import { DtmArgumentError, DtmConfigError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { BranchStory, prepare, type BarrierFixture } from './barrier-fixture.js';
import { mysql2PoolFixture } from './fixtures/mysql2-pool-fixture.js';

const mariadb = requireOrSkip('mariadb');

describe('mysql2Barrier', () => {
  it('gives business code the connection of the library', () => {
    expectTypeOf<ReturnType<typeof forPool>>().toEqualTypeOf<BarrierAdapter<PoolConnection>>();
  });

  it.each([undefined, null, 'mysql://localhost', {}, { query() {} }, { getConnection() {} }])(
    'refuses %o',
    (database) => {
      expect(() => mysql2Barrier(database as never)).toThrow(DtmConfigError);
      expect(() => mysql2Barrier(database as never)).toThrow(/createPool\(\) of mysql2\/promise/);
    },
  );

  it('refuses a pool with callbacks, and names pool.promise()', async () => {
    const pool = callbackMysql.createPool({ host: '127.0.0.1', port: 1 });
    expect(() => mysql2Barrier(pool as never)).toThrow(DtmConfigError);
    expect(() => mysql2Barrier(pool as never)).toThrow(/pool\.promise\(\)/);
    expect(() => mysql2Barrier(pool.promise())).not.toThrow();
    await pool.promise().end();
  });

  describe('with a pool whose connections misbehave', () => {
    it.each(['set transaction isolation level read committed', 'start transaction', 'commit', 'rollback'])(
      'closes a connection whose %s failed',
      async (statement) => {
        const { barrier, adapter, released } = misbehaving(async (sql) => {
          if (sql.startsWith(statement)) throw new Error('timeout');
        });
        const failure = new Error('no');
        const call = barrier.call(adapter, async () => {
          if (statement === 'rollback') throw failure;
        });
        await (statement === 'rollback'
          ? expect(call).rejects.toBe(failure)
          : expect(call).rejects.toThrow(/timeout; the coordinator will retry/));
        expect(released).toEqual(['destroy']);
      },
    );

    it('releases a connection that rolled back', async () => {
      const { barrier, adapter, released } = misbehaving(async () => undefined);
      await expect(barrier.call(adapter, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect(released).toEqual(['release']);
    });
  });
});

describe.skipIf(!mariadb.available)(mariadb.title('mysql2Barrier on MariaDB'), () => {
  let server: MariadbServer;
  let fixture: BarrierFixture<PoolConnection>;
  let story: BranchStory<PoolConnection>;
  let pool: Pool;
  beforeAll(async () => {
    server = await startMariadb();
    fixture = await mysql2PoolFixture(server.url);
    await prepare(fixture);
    pool = mysql.createPool({ uri: server.url, connectionLimit: 1 });
  });
  afterAll(async () => {
    await pool?.end();
    await fixture?.close();
    await server?.stop();
  });
  beforeEach(() => {
    story = new BranchStory(fixture);
  });

  it('releases every connection, and uses only one when the pool has one', async () => {
    const barrier = story.request('action');
    const calls = Array.from({ length: 10 }, (_, index) =>
      barrier.call(mysql2Barrier(pool), async (connection) => {
        await story.work(`action ${index}`)(connection);
        if (index % 2 === 1) throw new Error('no');
      }),
    );
    await Promise.allSettled(calls);
    expect(await story.effects()).toEqual(['action 0', 'action 2', 'action 4', 'action 6', 'action 8']);
    expect(connectionsOf(pool)).toEqual({ all: 1, free: 1 });
  });

  it('closes a lost connection', async () => {
    const lost = story.request('action').call(mysql2Barrier(pool), (connection) => fixture.sessions!.kill(connection));
    await expect(lost).rejects.toThrow(/retry/);
    expect(connectionsOf(pool)).toEqual({ all: 0, free: 0 });
    expect(await story.request('action').call(mysql2Barrier(pool), story.work('action'))).toBe('did action');
  });

  it('runs READ COMMITTED whatever the default of the connection, and keeps that default', async () => {
    const level = async (connection: Pool | PoolConnection) =>
      (await connection.query('select @@session.tx_isolation as level'))[0] as { level: string }[];
    await pool.query("set session tx_isolation = 'SERIALIZABLE'");
    const rows = await story
      .request('action')
      .call(mysql2Barrier(pool), (connection) => fixture.query(connection, LEVEL));
    expect(rows).toEqual([{ level: 'READ COMMITTED' }]);
    expect(await level(pool)).toEqual([{ level: 'SERIALIZABLE' }]);
  });

  it('ends its transactions whatever the completion type, and commits without autocommit', async () => {
    const chained = mysql.createPool({ uri: server.url, connectionLimit: 1 });
    await chained.query("set session completion_type = 'CHAIN', autocommit = 0");
    const adapter = mysql2Barrier(chained);
    const failed = story.request('action').call(adapter, () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect(await story.request('action').call(adapter, story.work('action'))).toBe('did action');
    expect(await story.request('compensate').call(adapter, story.work('compensate'))).toBe('did compensate');
    expect(await story.effects()).toEqual(['action', 'compensate']);
    expect(connectionsOf(chained)).toEqual({ all: 1, free: 1 });
    await chained.end();
  });

  it('reads rows whatever the options of the pool', async () => {
    const odd = mysql.createPool({ uri: server.url, rowsAsArray: true, typeCast: false, namedPlaceholders: true });
    const act = () => story.request('action').call(mysql2Barrier(odd), story.work('action'));
    expect(await act()).toBe('did action');
    expect(await act()).toBeUndefined();
    await mysql2Barrier(odd).createTable();
    await odd.end();
  });

  it.each(['commit', 'rollback', 'create table if not exists ended_by_ddl (id int)'])(
    'reports a transaction that the business code ended by %s',
    async (statement) => {
      const call = story.request('action').call(mysql2Barrier(pool), async (connection) => {
        await connection.query(statement);
      });
      await expect(call).rejects.toThrow(/the transaction ended or failed while the business code ran.*retry/);
    },
  );

  it('joins only while a transaction is open', async () => {
    const connection = await pool.getConnection();
    const join = () => story.request('action').join(mysql2Barrier(pool), connection, story.work('action'));
    await expect(join()).rejects.toThrow(DtmArgumentError);
    await expect(join()).rejects.toThrow(/beginTransaction\(\)/);
    await connection.beginTransaction();
    expect(await join()).toBe('did action');
    await connection.commit();
    await expect(join()).rejects.toThrow(DtmArgumentError);
    expect(await story.effects()).toEqual(['action']);
    connection.release();
  });

  it('joins an XA transaction', async () => {
    const connection = await pool.getConnection();
    await connection.query("xa start 'joined'");
    expect(await story.request('action').join(mysql2Barrier(pool), connection, story.work('action'))).toBe(
      'did action',
    );
    await connection.query("xa end 'joined'");
    await connection.query("xa commit 'joined' one phase");
    expect(await story.effects()).toEqual(['action']);
    connection.release();
  });
});

const LEVEL =
  'select trx_isolation_level as level from information_schema.innodb_trx where trx_mysql_thread_id = connection_id()';

function connectionsOf(pool: Pool): { all: number; free: number } {
  const { _allConnections: all, _freeConnections: free } = pool.pool as unknown as Record<string, { length: number }>;
  return { all: all!.length, free: free!.length };
}

/** A pool of one connection whose statements do as the test says. */
const misbehaving = (run: (sql: string) => Promise<void>) => {
  const released: string[] = [];
  const query = async ({ sql }: Mysql2Statement): Promise<[unknown, unknown]> => {
    await run(sql);
    if (sql.startsWith('select')) return [[{ gid: story.gid, branch: '01', op: 'action', barrier: '01' }], []];
    return [{ affectedRows: 1, serverStatus: 1 }, []];
  };
  const connection = {
    threadId: 1,
    query,
    execute: query,
    release: () => void released.push('release'),
    destroy: () => void released.push('destroy'),
  };
  const story = new BranchStory({} as BarrierFixture<typeof connection>);
  const adapter = mysql2Barrier({ pool: {}, getConnection: async () => connection });
  return { released, adapter, barrier: story.request('action') };
};

// never called: it shows what is inferred from the library's own types
const forPool = (pool: Pool) => mysql2Barrier(pool);
