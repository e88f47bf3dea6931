import mysql from 'mysql2/promise';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from '../barrier/barrier-contract.js';
import { mysql2PoolFixture } from '../barrier/fixtures/mysql2-pool-fixture.js';
import { typeOrmFixture } from '../barrier/fixtures/typeorm-fixture.js';
import { mariadb, type SqlServer } from '../store/sql-servers.js';
import { mysqlStore } from '../store/sql-stores.js';
import { describeStore } from '../store/store-contract.js';
import { mysql2XaFixture } from '../xa/fixtures/mysql2-fixture.js';
import { mysql2Xa } from 'nestjs-dtm/xa/mysql2';
import { registered } from '../xa/xa-fixture.js';
import { xaContract } from '../xa/xa-contract.js';

/** Options of the server that change what new sessions get. */
const TURNED = [
  '--sql-mode=ANSI,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,PAD_CHAR_TO_FULL_LENGTH,' +
    'NO_AUTO_VALUE_ON_ZERO,NO_UNSIGNED_SUBTRACTION,SIMULTANEOUS_ASSIGNMENT,TIME_ROUND_FRACTIONAL',
  '--default-time-zone=+05:30',
  '--transaction-isolation=SERIALIZABLE',
  '--character-set-server=latin1',
  '--collation-server=latin1_german2_ci',
  '--innodb-rollback-on-timeout=ON',
  '--group-concat-max-len=4',
  '--div-precision-increment=0',
  '--lower-case-table-names=1',
];

/** Defaults that would break what the tests themselves do; the sessions of the stores must not have them. */
const TURNED_FOR_STORES = {
  autocommit: 0,
  completion_type: `'CHAIN'`,
  sql_mode: `concat(@@sql_mode, ',EMPTY_STRING_IS_NULL')`,
  sql_select_limit: 1,
  unique_checks: 0,
};

const service = requireOrSkip('mariadb');

describe.skipIf(!service.available)(service.title('MariaDB with other defaults'), () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await mariadb.start(TURNED);
  });
  afterAll(() => server?.stop());

  it('has them in new sessions', async () => {
    const [row] = await server.ofGo.sql('select @@sql_mode as mode, @@time_zone as zone');
    expect(row).toEqual({ mode: expect.stringMatching(/ANSI_QUOTES.*NO_BACKSLASH_ESCAPES/), zone: '+05:30' });
  });

  describe('with defaults that sessions must not have', () => {
    beforeAll(() => setGlobal(server, { ...TURNED_FOR_STORES, default_storage_engine: 'MyISAM' }));
    afterAll(() =>
      setGlobal(server, {
        ...Object.fromEntries(Object.keys(TURNED_FOR_STORES).map((name) => [name, 'default'])),
        sql_mode: `replace(@@global.sql_mode, ',EMPTY_STRING_IS_NULL', '')`,
        autocommit: 1,
        default_storage_engine: 'InnoDB',
      }),
    );

    describeStore('store', () => server.newTables().store());
  });

  it.for(Object.entries(TURNED_FOR_STORES))(
    'a store refuses a pool of the application whose sessions have another %s',
    async ([name, value]) => {
      const pool = mysql.createPool({ uri: server.url });
      onTestFinished(() => pool.end());
      pool.pool.on('connection', (connection) => connection.query(`set session ${name} = ${value}`));
      const store = mysqlStore({ pool });
      await expect(store.open()).rejects.toThrow(DtmConfigError);
      await expect(store.open()).rejects.toThrow(`have an unsuitable ${name}, so`);
    },
  );

  it('XA refuses a pool without autocommit before it prepares anything', async () => {
    const pool = mysql.createPool({ uri: server.url, connectionLimit: 2 });
    onTestFinished(() => pool.end());
    pool.pool.on('connection', (connection) => connection.query('set session autocommit = 0'));
    const prepared = mysql2Xa(pool).prepare({ gid: 'g', branchId: '01' }, async () => undefined, registered);
    await expect(prepared).rejects.toThrow(DtmConfigError);
    await expect(prepared).rejects.toThrow('XA needs sessions with autocommit');
  });

  barrierContract('mysql2Barrier', () => mysql2PoolFixture(server.url));
  barrierContract('typeOrmBarrier', () =>
    typeOrmFixture({ type: 'mariadb', url: server.url, poolSize: 30, extra: { connectionLimit: 30 } }),
  );
  xaContract('mysql2Xa', () => mysql2XaFixture(server.url));
});

/** Sets defaults of new sessions. */
async function setGlobal(server: SqlServer, settings: Readonly<Record<string, string | number>>): Promise<void> {
  const assignments = Object.entries(settings).map(([name, value]) => `global ${name} = ${value}`);
  await server.ofGo.sql(`set ${assignments.join(', ')}`);
}
