import { DtmArgumentError, DtmBarrierError, DtmConfigError } from 'nestjs-dtm/protocol';
import { mysql2Xa, type Mysql2Statement } from 'nestjs-dtm/xa/mysql2';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { describe, expect, it } from 'vitest';
import { assertVersion } from '../../../lib/xa/mysql2/detect-server.js';

const BRANCH = { gid: 'g', branchId: '01' };
const register = async (): Promise<void> => undefined;

/** A pool of node-postgres with scripted answers. */
function pgPool(answer: (text: string) => object) {
  const log: string[] = [];
  const client = {
    async query(text: string) {
      log.push(text);
      return { rows: [], rowCount: 1, ...answer(text) };
    },
    getTransactionStatus: () => 'T',
    release: (isBroken?: Error | boolean) => void log.push(isBroken ? 'destroy' : 'release'),
  };
  return { log, pool: { totalCount: 0, options: { max: 2 }, connect: async () => client } };
}

/** A pool of mysql2 with scripted answers. */
function mysqlPool(answer: (sql: string) => unknown) {
  const log: string[] = [];
  const run = async ({ sql }: Mysql2Statement): Promise<[unknown, unknown]> => {
    log.push(sql);
    const rows = answer(sql);
    // status 1: in a transaction
    return [rows ?? (/^(insert|do)/.test(sql) ? { affectedRows: 1, serverStatus: 1 } : []), []];
  };
  const connection = {
    threadId: 7,
    query: run,
    execute: run,
    release: () => void log.push('release'),
    destroy: () => void log.push('destroy'),
  };
  return { log, pool: { getConnection: async () => connection, pool: { config: { connectionLimit: 2 } } } };
}

describe('pgXa', () => {
  const server = (most: number) => (text: string) => {
    if (text.includes('max_prepared_transactions')) return { rows: [{ most }] };
    if (text.includes('pg_try_advisory_xact_lock')) return { rows: [{ free: true }] };
    return text.startsWith('prepare') ? { command: 'PREPARE' } : {};
  };

  it('refuses a server without prepared transactions, and checks it again at the next call', async () => {
    let most = 0;
    const { log, pool } = pgPool((text) => server(most)(text));
    const xa = pgXa(pool);
    const refused = xa.prepare(BRANCH, async () => 1, register);
    await expect(refused).rejects.toThrow(DtmConfigError);
    await expect(refused).rejects.toThrow(/max_prepared_transactions above 0/);
    expect(log.filter((text) => !text.startsWith('select current_setting'))).toEqual(['release']);

    most = 10;
    expect(await xa.prepare(BRANCH, async () => 1, register)).toBe(1);
    log.length = 0;
    await pgXa(pool).prepare(BRANCH, async () => 1, register);
    expect(log.join()).not.toContain('max_prepared_transactions');
  });

  it('names the setting when the server has too many prepared transactions', async () => {
    const { log, pool } = pgPool((text) => {
      if (text.startsWith('prepare')) throw Object.assign(new Error('maximum number reached'), { code: '53400' });
      return server(1)(text);
    });
    const full = pgXa(pool).prepare(BRANCH, async () => 1, register);
    await expect(full).rejects.toThrow(DtmBarrierError);
    await expect(full).rejects.toThrow(/max_prepared_transactions allows; raise it/);
    expect(log.slice(-2)).toEqual(['rollback', 'release']);
  });

  it('refuses branch ids that are ambiguous with the gid', async () => {
    const { log, pool } = pgPool(server(1));
    const prepare = pgXa(pool).prepare({ gid: 'a', branchId: '01-02' }, async () => 1, register);
    await expect(prepare).rejects.toThrow(DtmArgumentError);
    expect(log).toEqual([]);
  });

  it('refuses other objects, and a pool of one connection', () => {
    const { pool } = pgPool(server(1));
    expect(() => pgXa({ ...pool, options: { max: 1 } })).toThrow(/at least 2 connections/);
    expect(() => pgXa({ query: () => undefined } as never)).toThrow(DtmConfigError);
    expect(() => pgXa(undefined as never)).toThrow(DtmConfigError);
    expect(() => pgXa(pool, { table: 'x; drop' })).toThrow(DtmConfigError);
  });
});

describe('mysql2Xa', () => {
  const mysql8 = (detaches: boolean) => (sql: string) => {
    if (sql === 'select version() as version, @@autocommit as autocommit') return [{ version: '8.0.36' }];
    if (sql.startsWith('select gid as gid')) return [{ gid: 'g', branch: '01', op: 'action', barrier: '01' }];
    return detaches && sql.startsWith('show variables') ? [{ Value: 'ON' }] : undefined;
  };

  it.each([
    ['returns a connection where the prepare detaches it', true, 'release'],
    ['closes a connection where the prepared transaction stays attached', false, 'destroy'],
  ])('%s', async (_, detaches, end) => {
    const { log, pool } = mysqlPool(mysql8(detaches));
    expect(await mysql2Xa(pool).prepare(BRANCH, async () => 'done', register)).toBe('done');
    expect(log.filter((line) => line === 'release' || line === 'destroy')[1]).toBe(end);
    // a closed connection has ended before the first phase answers
    expect(log.some((sql) => sql.includes('processlist where id = 7'))).toBe(!detaches);
  });

  it('detects the server once', async () => {
    const { log, pool } = mysqlPool(mysql8(true));
    for (let count = 0; count < 3; count++) await mysql2Xa(pool).prepare(BRANCH, async () => 1, register);
    expect(log.filter((sql) => sql.includes('version()'))).toHaveLength(1);
  });

  it.each([
    ['its row does not exist', () => []],
    [
      'its row is locked',
      () => {
        throw Object.assign(new Error('lock wait timeout'), { errno: 1205, sqlState: 'HY000' });
      },
    ],
  ])('does not trust an acknowledged commit while %s', async (_, readReason) => {
    const { log, pool } = mysqlPool((sql) => (sql.includes('reason as reason') ? readReason() : mysql8(false)(sql)));
    await expect(mysql2Xa(pool).commit(BRANCH)).rejects.toThrow(
      /was committed, but its barrier row|its barrier row is locked/,
    );
    expect(log.some((sql) => sql.startsWith('xa commit'))).toBe(true);
  });

  it('works with an account that must not list prepared transactions', async () => {
    const { pool } = mysqlPool((sql) => {
      const refuse = (errno: number) => Object.assign(new Error('refused'), { errno, sqlState: 'XA' });
      if (sql === 'xa recover') throw refuse(1401);
      if (sql.startsWith('xa commit')) throw refuse(1397);
      return sql.includes('reason as reason') ? [{ reason: 'action' }] : mysql8(true)(sql);
    });
    await mysql2Xa(pool).commit(BRANCH);
  });

  it.each(['8.0.11', '8.4.2', '9.1.0', '10.5.1-MariaDB', '5.5.5-10.11.19-MariaDB-0+deb12u1', '11.4.2-MariaDB-log'])(
    'works with %s',
    (version) => expect(() => assertVersion(version)).not.toThrow(),
  );

  it.each(['5.7.44-log', '5.6.51', '10.4.34-MariaDB', '5.5.5-10.3.39-MariaDB'])('refuses %s', (version) => {
    expect(() => assertVersion(version)).toThrow(DtmConfigError);
  });

  it('refuses other objects than pools with promises, and a pool of one connection', () => {
    const { pool } = mysqlPool(mysql8(true));
    expect(() => mysql2Xa({ ...pool, pool: { config: { connectionLimit: 1 } } })).toThrow(/at least 2 connections/);
    expect(() => mysql2Xa({ getConnection: pool.getConnection })).toThrow(/mysql2\/promise/);
    expect(() => mysql2Xa(undefined as never)).toThrow(DtmConfigError);
  });
});
