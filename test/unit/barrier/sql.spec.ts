import { readFileSync } from 'node:fs';
import { barrierTableSql, sqlBarrier, type SqlDialectName, type SqlExecutor } from 'nestjs-dtm/barrier/sql';
import { DtmBarrierError, DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';

const DIALECTS: SqlDialectName[] = ['postgres', 'mysql', 'sqlite'];
const row = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action', barrierId: '01', reason: 'action' } as const;

/** Runs nothing, and remembers what it was asked to run. */
function recorder(dialect: SqlDialectName, affected: number | undefined = 1) {
  const asked: [string, readonly string[]][] = [];
  const executor: SqlExecutor<string> = {
    dialect,
    transactionHint: 'anything',
    async execute(_, text, parameters) {
      asked.push([text, parameters]);
      return affected;
    },
    query: async () => [],
    transaction: (work) => work('tx'),
    isOpen: () => true,
  };
  return { executor, asked };
}

/** Error of a driver, and the same inside the error of a library. */
const driver = (facts: object, message: string = 'the driver says') => Object.assign(new Error(message), facts);
const wrapped = (error: Error) => Object.assign(new Error('a library says'), { driverError: error });

/** Error of Prisma 7 with a driver adapter. */
const prisma = (originalCode: string) => {
  const adapterCause = { kind: 'postgres', originalCode, originalMessage: 'the database says' };
  const driverAdapterError = Object.assign(new Error('adapter'), { cause: adapterCause });
  return Object.assign(new Error('Raw query failed'), { code: 'P2010', meta: { driverAdapterError } });
};

describe('barrierTableSql', () => {
  it.each([
    ['postgres', '"dtm_barrier"."barrier"'],
    ['mysql', '`dtm_barrier`.`barrier`'],
    ['sqlite', '"dtm_barrier"'],
  ] as const)('has a script for %s', (dialect, table) => {
    const script = barrierTableSql(dialect);
    expect(script).toContain(`create table if not exists ${table} (`);
    expect(script).toMatch(/"?`?uniq_(dtm_)?barrier"?`? .*\(gid, branch_id, op, barrier_id\)/);
    expect(script).toMatch(/create_time \w+ not null default/);
    expect(script).toMatch(/_create_time.*\(create_time\)/);
    expect(script).toMatch(/;\n$/);
  });

  it.each(DIALECTS)('is in docs/barrier.md for %s', (dialect) => {
    const page = readFileSync(new URL('../../../docs/barrier.md', import.meta.url), 'utf8');
    expect(page).toContain(barrierTableSql(dialect));
  });

  it('does not create the current schema', () => {
    expect(barrierTableSql('postgres', { schema: '' })).toMatch(/^create table if not exists "barrier"/);
    expect(barrierTableSql('mysql', { schema: '' })).toMatch(/^create table if not exists `barrier`/);
    expect(barrierTableSql('sqlite', { schema: '' })).toMatch(/^create table if not exists "dtm_barrier"/);
  });

  it.each(DIALECTS)('refuses hostile names on %s', (dialect) => {
    const names = [
      '',
      ' ',
      'a"b',
      'a`b',
      "a'b",
      'a;b',
      'a.b',
      'a b',
      'a\0',
      '1a',
      '-a',
      'a\n',
      'é',
      'x'.repeat(49),
      null,
      1,
    ];
    for (const name of names) {
      expect(() => barrierTableSql(dialect, { table: name as string }), String(name)).toThrow(DtmConfigError);
      if (name !== '') expect(() => barrierTableSql(dialect, { schema: name as string })).toThrow(DtmConfigError);
    }
  });

  it('refuses a schema on SQLite, and an unknown dialect', () => {
    expect(() => barrierTableSql('sqlite', { schema: 'main' })).toThrow(/sqlite has no schemas/);
    for (const dialect of ['mssql', 'toString', undefined]) {
      expect(() => barrierTableSql(dialect as SqlDialectName)).toThrow(/postgres, mysql, sqlite/);
    }
  });
});

describe('sqlBarrier', () => {
  it.each([
    ['postgres', /^insert into "s"\."t" .*\$1.*\$6.*on conflict \(gid, branch_id, op, barrier_id\) do nothing$/],
    ['mysql', /^insert ignore into `s`\.`t` .*\(\?, \?, \?, \?, \?, \?\)$/],
  ] as const)('passes values as parameters on %s', async (dialect, text) => {
    const { executor, asked } = recorder(dialect);
    expect(await sqlBarrier(executor, { schema: 's', table: 't' }).insert('tx', row)).toBe(true);
    expect(asked).toEqual([[expect.stringMatching(text), ['saga', 'g1', '01', 'action', '01', 'action']]]);
  });

  it.each([undefined, 2, -1, Number.NaN, '1', null, true])('refuses %o affected rows', async (affected) => {
    const { executor } = recorder('postgres', affected as number);
    const asked = sqlBarrier(affected === undefined ? { ...executor, execute: async () => undefined } : executor);
    await expect(asked.insert('tx', row)).rejects.toThrow(/expected 0 or 1/);
  });

  it('treats 0 rows on MySQL as a duplicate only when exactly this key exists', async () => {
    const { executor } = recorder('mysql', 0);
    const holding = (gid: string) =>
      sqlBarrier({ ...executor, query: async () => [{ gid, branch: '01', op: 'action', barrier: '01' }] });
    expect(await holding('g1').insert('tx', row)).toBe(false);
    await expect(holding('G1').insert('tx', row)).rejects.toThrow(/collation/);
    await expect(sqlBarrier(executor).insert('tx', row)).rejects.toThrow(/collation/);
  });

  it('sends PostgreSQL one more statement before it reports success, unless the commit reports the result', async () => {
    // the state that the driver knows may be older than the error
    const failed = driver({ code: '25P02' });
    const executor = { ...recorder('postgres').executor, query: () => Promise.reject(failed) };
    await expect(sqlBarrier(executor).verify?.('tx', row, true)).rejects.toBe(failed);
    const telling = sqlBarrier({ ...executor, reportsRollback: true });
    await expect(telling.verify?.('tx', row, true)).resolves.toBeUndefined();
    await expect(telling.verify?.('tx', row, false)).rejects.toBe(failed);
  });

  it('names the table that it could not create', async () => {
    const cause = new Error('permission denied');
    const { executor } = recorder('postgres');
    const creating = sqlBarrier({ ...executor, query: () => Promise.reject(cause) }).createTable();
    await expect(creating).rejects.toThrow(DtmBarrierError);
    await expect(creating).rejects.toMatchObject({
      message: 'could not create the barrier table "dtm_barrier"."barrier": permission denied',
      cause,
    });
  });

  it('creates nothing when the table exists', async () => {
    const { executor } = recorder('postgres');
    const texts: string[] = [];
    const found = { ...executor, query: async (_: string, text: string) => [{ found: texts.push(text) }] };
    await sqlBarrier(found).createTable();
    expect(texts).toEqual([expect.stringContaining('advisory_xact_lock'), expect.stringContaining('to_regclass')]);
  });

  describe('describes', () => {
    it.each<[string, SqlDialectName, Error, RegExp]>([
      [
        'a missing table',
        'postgres',
        driver({ code: '42P01' }),
        /"dtm_barrier"."barrier" is missing.*barrierTableSql\('postgres'\)/,
      ],
      ['a missing schema', 'postgres', driver({ code: '3F000' }), /is missing/],
      [
        'a missing table',
        'mysql',
        driver({ errno: 1146 }),
        /`dtm_barrier`.`barrier` is missing.*barrierTableSql\('mysql'\)/,
      ],
      ['a missing database', 'mysql', wrapped(driver({ errno: 1049 })), /is missing/],
      [
        'a missing table',
        'sqlite',
        driver({ code: 'SQLITE_ERROR' }, 'no such table: dtm_barrier'),
        /"dtm_barrier" is missing/,
      ],
      [
        'a deadlock',
        'postgres',
        driver({ code: '40P01' }),
        /this transaction conflicts with another transaction \(the driver says\)/,
      ],
      ['a serialization failure', 'postgres', wrapped(driver({ code: '40001' })), /another transaction/],
      ['a deadlock', 'mysql', driver({ errno: 1213 }), /another transaction/],
      ['a lock timeout', 'mysql', new Error('outer', { cause: driver({ errno: 1205 }) }), /another transaction/],
      ['a busy database', 'sqlite', driver({ code: 'SQLITE_BUSY' }), /another transaction/],
      ['a refused connection', 'postgres', driver({ code: 'ECONNREFUSED' }), /connection to the database/],
      ['a lost connection', 'postgres', driver({}, 'Connection terminated unexpectedly'), /connection to the database/],
      ['a lost connection', 'mysql', driver({ code: 'PROTOCOL_CONNECTION_LOST' }), /connection to the database/],
      ['a failed transaction', 'postgres', driver({ code: '25P02' }), /swallowed/],
      ['a missing constraint', 'postgres', driver({ code: '42P10' }), /no unique constraint/],
      ['a missing table', 'postgres', prisma('42P01'), /is missing/],
      [
        'a serialization failure',
        'postgres',
        prisma('40001'),
        /this transaction conflicts with another transaction \(the database says\)/,
      ],
      ['a read-only server', 'postgres', prisma('25006'), /accepts no writes/],
    ])('%s on %s', (_, dialect, error, text) => {
      expect(sqlBarrier(recorder(dialect).executor).describeError?.(error)).toMatch(text);
    });

    it.each([new Error('anything'), driver({ code: '23505' }), 'a text', null, undefined])(
      'nothing about %o',
      (error) => {
        for (const dialect of DIALECTS) {
          expect(sqlBarrier(recorder(dialect).executor).describeError?.(error)).toBeUndefined();
        }
      },
    );

    it('an error that is its own cause', () => {
      const error: Error & { cause?: unknown } = new Error('round and round');
      error.cause = error;
      expect(sqlBarrier(recorder('postgres').executor).describeError?.(error)).toBeUndefined();
    });

    it('the command with the names of the user', () => {
      const adapter = sqlBarrier(recorder('postgres').executor, { table: 'mine' });
      expect(adapter.describeError?.(driver({ code: '42P01' }))).toContain(
        `barrierTableSql('postgres', {"schema":"dtm_barrier","table":"mine"})`,
      );
    });
  });
});
