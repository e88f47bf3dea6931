import callbackMysql from 'mysql2';
import mysql from 'mysql2/promise';
import { DtmConfigError, DtmStoreError } from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TIME, branchOf, detailsOf, transactionOf } from './records.js';
import { mariadb } from './sql-servers.js';
import { describeSqlStore, type SqlStoreFixture } from './sql-store-contract.js';
import { mysqlStore, type MysqlStoreOptions } from './sql-stores.js';

function accessTo({ server }: SqlStoreFixture): { host: string; port: number; user: string; password: string } {
  return { host: server.host, port: server.port, user: 'dtm', password: 'dtm' };
}

describeSqlStore(mariadb, (fixture) => {
  describe('a pool of the application', () => {
    it.each<[string, () => { pool: MysqlStoreOptions['pool']; promise: mysql.Pool }]>([
      [
        'with promises',
        () => {
          const pool = mysql.createPool({ ...accessTo(fixture), rowsAsArray: true, dateStrings: true });
          return { pool, promise: pool };
        },
      ],
      [
        'with callbacks',
        () => {
          const pool = callbackMysql.createPool({
            ...accessTo(fixture),
            supportBigNumbers: true,
            bigNumberStrings: true,
          });
          return { pool, promise: pool.promise() };
        },
      ],
    ])('%s is used with its settings and stays open', async (name, createPool) => {
      const { pool, promise } = createPool();
      onTestFinished(() => promise.end());
      const store = mysqlStore({ pool, database: `pool_${name.replace(' ', '_')}` });
      await store.open();
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.create(detailsOf(`g${index}`))));
      const changed = branchOf('01', { status: 'succeed', finishTime: TIME + 1 });
      const next = transactionOf('g7', { nextCronTime: TIME + 2 });
      expect(await store.update({ status: 'submitted' }, next, new Map([[1, changed]]))).toBe(true);
      expect(await store.find('g7')).toMatchObject({
        transaction: { createTime: TIME, nextCronTime: TIME + 2 },
        branches: [{}, { status: 'succeed', finishTime: TIME + 1 }],
      });
      expect(await store.claim(TIME, 'me', () => TIME + 5, 100)).toHaveLength(49);
      expect((await store.list({ limit: 7 })).nextPosition).toBe('44');
      await store.close();
      await promise.query('select 1');
    });

    it('that counts only changed rows is refused: a write that changes nothing would look like a lost lease', async () => {
      const pool = mysql.createPool({ ...accessTo(fixture), flags: ['-FOUND_ROWS'] });
      onTestFinished(() => pool.end());
      const error = await mysqlStore({ pool })
        .open()
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DtmConfigError);
      expect((error as Error).message).toMatch(/flag -FOUND_ROWS; remove the flag/);
    });
  });

  it('a write that changes nothing counts as written', async () => {
    const store = await fixture.open(fixture.newTables());
    await store.create(detailsOf('g', { status: 'aborting' }));
    const same = transactionOf('g', { status: 'aborting' });
    for (let count = 0; count < 3; count++)
      expect(await store.update({ status: 'aborting' }, same, new Map())).toBe(true);
    const branches = new Map([[1, branchOf('01')]]);
    expect(await store.update({ status: 'aborting' }, same, branches)).toBe(true);
    // also in a group
    const group = Array.from({ length: 10 }, (_, index) => store.create(detailsOf(`g${index}`)));
    await Promise.all(group);
    const again = group.map((_, index) => store.update({ status: 'submitted' }, transactionOf(`g${index}`), branches));
    expect(await Promise.all(again)).toEqual(group.map(() => true));
  });

  it('times are stored in the time zone of the option', async () => {
    const tables = fixture.newTables();
    await (await fixture.open(tables)).close();
    const [{ name } = {}] = await tables.sql('select database() as name');
    const storeIn = async (timeZone: string) => {
      const store = mysqlStore({ ...accessTo(fixture), database: String(name), timeZone });
      await store.open();
      onTestFinished(() => store.close());
      return store;
    };
    const east = await storeIn('+08:00');
    await east.create(detailsOf('g', { nextCronTime: TIME + 1 }));
    const [row] = await tables.sql('select cast(next_cron_time as char) as time from trans_global');
    expect(row).toEqual({ time: '2030-01-01 08:00:00.001' });
    expect(await east.find('g')).toEqual(detailsOf('g', { nextCronTime: TIME + 1 }));
    const west = await storeIn('-05:30');
    expect((await west.find('g'))?.transaction.nextCronTime).toBe(TIME + 1 + 13.5 * 3_600_000);
    expect(await east.claim(TIME, 'me', () => TIME, 1)).toHaveLength(0);
    expect(await east.claim(TIME + 1, 'me', () => TIME, 1)).toHaveLength(1);
  });

  it('a write larger than max_allowed_packet is refused alone, and smaller writes are split', async () => {
    const tables = fixture.newTables();
    await (await fixture.open(tables)).close();
    await tables.sql('set global max_allowed_packet = 1048576');
    onTestFinished(async () => void (await tables.sql('set global max_allowed_packet = 16777216')));
    const store = await fixture.open(tables);
    const withPayload = (gid: string, size: number, count: number) => ({
      transaction: transactionOf(gid),
      branches: Array.from({ length: count }, (_, index) => branchOf(`0${index}`, { payload: 'x'.repeat(size) })),
    });
    const results = await Promise.allSettled([
      store.create(withPayload('small', 10, 1)),
      store.create(withPayload('large', 2_000_000, 1)),
      store.create(withPayload('many', 400_000, 8)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason.message).toMatch(
      /max_allowed_packet of 1048576 bytes is too small/,
    );
    expect(await store.find('large')).toBeUndefined();
    expect(await store.find('many')).toEqual(withPayload('many', 400_000, 8));
  });

  it('a user who cannot create the tables is told what to run, and can use the tables then', async () => {
    const { host, port, ofGo } = fixture.server;
    await ofGo.sql(`create user 'clerk'@'${host}' identified by 'swordfish'`);
    await ofGo.sql(`grant select, insert, update, delete on of_clerks.* to 'clerk'@'${host}'`);
    const access = { host, port, user: 'clerk', password: 'swordfish' };
    await expect(mysqlStore({ ...access, database: 'none' }).open()).rejects.toThrow(
      /database does not exist or is not visible to this user, who cannot create it .* run there: create database/,
    );
    await ofGo.sql('create database of_clerks');
    const store = mysqlStore({ ...access, database: 'of_clerks' });
    onTestFinished(() => store.close());
    const error = await store.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DtmStoreError);
    const { message } = error as Error;
    expect(message).toMatch(/this user lacks the privilege/);
    expect(message).not.toContain('swordfish');
    const statements = message
      .slice(message.indexOf('\n'))
      .split(';')
      .filter((text) => text.trim() !== '');
    for (const statement of statements) await ofGo.sql(statement);
    await store.open();
    expect(await store.create(detailsOf('g'))).toBe(true);
    expect(await store.find('g')).toEqual(detailsOf('g'));
  });
});

describe('options of mysqlStore', () => {
  it.each<[string, MysqlStoreOptions, RegExp]>([
    ['an invalid database name', { database: 'a`; drop table x; --' }, /database is "a`; drop/],
    ['an invalid URL', { url: 'mysql://u:secret@:x/dtm' }, /url is not a valid URL/],
    ['a URL of another database', { url: 'postgres://u:secret@host/dtm' }, /must begin with mysql:\/\//],
    ['an unknown parameter', { url: 'mysql://u:secret@host/dtm?ssl=true' }, /parameter ssl of url/],
    ['a URL and parts of it', { url: 'mysql://host/dtm', user: 'x', password: 'secret' }, /set url or user, password/],
    ['a pool and where to connect', { pool: {} as mysql.Pool, url: 'mysql://u:secret@h/d' }, /pool/],
    ['something else as a pool', { pool: {} as mysql.Pool }, /pool must be a pool of mysql2/],
    [
      'a time zone with daylight saving time',
      { timeZone: 'Europe/Berlin' },
      /timeZone must be an offset .* an hour repeats/,
    ],
    ['an invalid time zone', { timeZone: '+25:00' }, /timeZone must be an offset/],
  ])('refuse %s', (_, options, message) => {
    const make = (): unknown => mysqlStore(options);
    expect(make).toThrow(DtmConfigError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });

  it('have defaults; the name contains the address but no secret', () => {
    expect(mysqlStore().name).toBe('mysql localhost:3306, database dtm');
    expect(mysqlStore({ url: 'mariadb://me:secret@db:3307/shop' }).name).toBe('mysql db:3307, database shop');
  });
});

describe('a server that is too old', () => {
  it.each(['5.7.44-log', '8.0.16', '10.5.29-MariaDB'])('is refused: %s', async (version) => {
    const rows = (sql: string): unknown[] => {
      if (sql.includes('version()')) return [{ version }];
      // 10.5 has the collation, but no "skip locked"
      if (sql.includes('collations')) return version.includes('Maria') ? [{ name: 'utf8mb4_nopad_bin' }] : [];
      const usable = { autocommit: 1, completion: 'NO_CHAIN', checks: 1, mode: '', most: '18446744073709551615' };
      return [{ bytes: 1 << 24, ...usable }];
    };
    const run = async ({ sql }: { sql: string }): Promise<[unknown, unknown]> => [rows(sql), undefined];
    const connection = { query: run, execute: run, release: () => undefined, destroy: () => undefined };
    const store = mysqlStore({ pool: { getConnection: async () => connection } });
    await expect(store.open()).rejects.toThrow(
      `mysql of the given pool, database dtm: the server is ${version}; use MySQL 8.0.17 or later, or MariaDB 10.6 or later`,
    );
  });
});
