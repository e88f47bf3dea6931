import mysql, { type Pool as MysqlPool } from 'mysql2/promise';
import {
  httpTransport,
  runXa,
  type InitiatorDependencies,
  type XaTransaction,
  type XaOptions,
} from 'nestjs-dtm/client';
import {
  DtmBranchError,
  DtmConnectionError,
  DtmFailureError,
  errorOutcome,
  readBranchQuery,
  writeHttpOutcome,
  type DtmApi,
  type DtmConnection,
} from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { XaParticipant, resolveInDoubt, type XaAdapter } from 'nestjs-dtm/xa';
import { mysql2Xa } from 'nestjs-dtm/xa/mysql2';
import { pgXa } from 'nestjs-dtm/xa/pg';
import { Pool as PgPool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { waitForDisconnects } from '../../support/wait-for-disconnects.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

const services = requireOrSkip('postgres', 'mariadb');

/** A bank with one account in a database of its own. */
interface XaBank {
  readonly adapter: XaAdapter<unknown>;
  /** Business code: an account must not be overdrawn. */
  change(tx: unknown, amount: number): Promise<void>;
  balance(): Promise<number>;
  setBalance(amount: number): Promise<void>;
  /** Branches that are prepared. */
  prepared(): Promise<number>;
}

/** Start of each test. */
const MONEY = 100;

describe.skipIf(!services.available)(services.title('an XA transaction between PostgreSQL and MariaDB'), () => {
  let postgres: PostgresServer;
  let mariadb: MariadbServer;
  let pgPool: PgPool;
  let mysqlPool: MysqlPool;
  let out: XaBank;
  let into: XaBank;

  beforeAll(async () => {
    [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
    pgPool = new PgPool({ connectionString: postgres.url, max: 4 });
    mysqlPool = mysql.createPool({ uri: mariadb.url, connectionLimit: 4 });
    out = await pgBank(pgPool);
    into = await mysqlBank(mysqlPool);
  });
  afterAll(async () => {
    await Promise.all([pgPool?.end(), mysqlPool?.end()]);
    if (postgres) await waitForDisconnects(postgres.url);
    await Promise.all([postgres?.stop(), mariadb?.stop()]);
  });

  let clock: VirtualClock;
  let server: DtmConnection;
  let banks: Participant;
  let dependencies: InitiatorDependencies;

  beforeEach(async () => {
    await Promise.all([out.setBalance(MONEY), into.setBalance(MONEY)]);
    clock = new VirtualClock();
    server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), clock, listen: { port: 0 } });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();
    banks = await Participant.start();
    serve(banks, '/out', out, -1, server);
    serve(banks, '/in', into, 1, server);
    const transport = httpTransport();
    onTestFinished(() => transport.close());
    dependencies = { api: server, transport };
  });

  const transfer = (amount: number, options: XaOptions = {}, api: DtmApi = server) =>
    runXa({ ...dependencies, api }, (xa) => moveMoney(xa, amount), { gid: 'g', waitResult: true, ...options });
  const moveMoney = async (xa: XaTransaction, amount: number): Promise<unknown[]> => [
    await xa.call(banks.url('/in'), { amount }),
    await xa.call(banks.url('/out'), { amount }),
  ];
  const state = async () => {
    const details = await server.query('g');
    return {
      status: details?.transaction.status,
      money: [await out.balance(), await into.balance()],
      prepared: [await out.prepared(), await into.prepared()],
    };
  };

  it('moves the money in both databases at once', async () => {
    expect(await transfer(30)).toEqual([{ changed: 30 }, { changed: -30 }]);
    expect(await state()).toEqual({ status: 'succeed', money: [70, 130], prepared: [0, 0] });
    expect(banks.lines).toEqual(['POST /in', 'POST /out', 'POST /in', 'POST /out']);
    expect(banks.to('/in').map(({ query, body }) => [query, body])).toEqual([
      [
        {
          branch_id: '01',
          dtm: server.address,
          gid: 'g',
          op: 'action',
          phase2_url: banks.url('/in'),
          trans_type: 'xa',
        },
        '{"amount":30}',
      ],
      [{ branch_id: '01', gid: 'g', op: 'commit', trans_type: 'xa' }, ''],
    ]);
  });

  it('shows no part of it before the decision', async () => {
    await runXa(
      dependencies,
      async (xa) => {
        await moveMoney(xa, 30);
        expect(await state()).toEqual({ status: 'prepared', money: [100, 100], prepared: [1, 1] });
      },
      { gid: 'g', waitResult: true },
    );
    expect(await state()).toEqual({ status: 'succeed', money: [70, 130], prepared: [0, 0] });
  });

  it('is rolled back when a branch refuses, and reports why to the initiator', async () => {
    const error: unknown = await transfer(130).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DtmFailureError);
    expect(error).toMatchObject({ message: 'overdrawn', gid: 'g' });
    await waitUntil(async () => (await state()).status === 'failed');
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
    expect((await server.query('g'))?.transaction.rollbackReason).toBe('overdrawn');
  });

  it('is rolled back when the work swallows the refusal', async () => {
    const running = runXa(dependencies, (xa) => void moveMoney(xa, 130).catch(() => undefined), { gid: 'g' });
    await expect(running).rejects.toThrow('overdrawn');
    await waitUntil(async () => (await state()).status === 'failed');
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
  });

  it('is rolled back when a branch gives no decision', async () => {
    banks.answer('/fee', { status: 500, body: 'boom' });
    const running = runXa(
      dependencies,
      async (xa) => {
        await moveMoney(xa, 30);
        await xa.call(banks.url('/fee'));
      },
      { gid: 'g' },
    );
    await expect(running).rejects.toThrow(DtmBranchError);
    await waitUntil(async () => (await state()).status === 'failed');
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
  });

  it('refuses further branches when it was rolled back meanwhile', async () => {
    const running = runXa(
      dependencies,
      async (xa) => {
        await server.abort({ gid: 'g', transType: 'xa' });
        await xa.call(banks.url('/in'), { amount: 30 });
      },
      { gid: 'g', onAbortFailed: () => undefined },
    );
    await expect(running).rejects.toThrow(/no trans with gid: g status: prepared found/);
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
  });

  it('whose initiator dies before the submit is rolled back at its timeout', async () => {
    await expect(transfer(30, {}, deadBeforeSubmit(server))).rejects.toThrow(DtmConnectionError);
    expect(await state()).toEqual({ status: 'prepared', money: [100, 100], prepared: [1, 1] });
    await clock.advance(37_000);
    await waitUntil(async () => (await state()).status === 'failed');
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
  });

  it('whose initiator dies between two branches is rolled back at its timeout', async () => {
    const running = runXa(
      { ...dependencies, api: deadBeforeSubmit(server) },
      async (xa) => {
        await xa.call(banks.url('/in'), { amount: 30 });
        throw new Error('power failure');
      },
      { gid: 'g', onAbortFailed: () => undefined },
    );
    await expect(running).rejects.toThrow('power failure');
    expect((await state()).prepared).toEqual([0, 1]);
    await clock.advance(37_000);
    await waitUntil(async () => (await state()).status === 'failed');
    expect(await state()).toEqual({ status: 'failed', money: [100, 100], prepared: [0, 0] });
  });

  it('is committed by a later attempt when a bank does not answer', async () => {
    let isDown = true;
    serve(banks, '/in', into, 1, server, () => isDown);
    await transfer(30, { waitResult: false });
    await banks.received(3);
    isDown = false;
    await waitUntil(async () => {
      await clock.advance(15_000);
      return (await state()).status === 'succeed';
    });
    expect(await state()).toEqual({ status: 'succeed', money: [70, 130], prepared: [0, 0] });
  });

  it('whose coordinator cannot call the banks is ended by the resolver', async () => {
    serve(banks, '/in', into, 1, server, () => true);
    await transfer(30, { waitResult: false });
    const committed = [{ gid: 'g', outcome: 'committed' }];
    expect(await resolveInDoubt(into.adapter, server, { olderThanSeconds: 0 })).toMatchObject(committed);
    expect(await resolveInDoubt(out.adapter, server, { olderThanSeconds: 0 })).toMatchObject(committed);
    expect(await state()).toEqual({ status: 'submitted', money: [70, 130], prepared: [0, 0] });
  });
});

/** Serves both phases of a branch at a path. */
function serve(
  banks: Participant,
  path: string,
  bank: XaBank,
  sign: 1 | -1,
  api: DtmApi,
  isDown: () => boolean = () => false,
): void {
  banks.answer(path, async ({ query, body }) => {
    const branch = new XaParticipant(readBranchQuery(query), bank.adapter, api);
    if (branch.isSecondPhase && isDown()) return { status: 503, body: '' };
    try {
      if (branch.isSecondPhase) {
        await branch.finish();
        return {};
      }
      const { amount } = JSON.parse(body) as { amount: number };
      const changed = await branch.call(async (tx) => {
        await bank.change(tx, sign * amount);
        return sign * amount;
      });
      return { body: JSON.stringify({ changed }) };
    } catch (error) {
      return writeHttpOutcome(errorOutcome(error));
    }
  });
}

/** The coordinator of an initiator that dies before it can say what becomes of the transaction. */
function deadBeforeSubmit(api: DtmConnection): DtmApi {
  const dead = () => Promise.reject(new DtmConnectionError('the initiator is dead'));
  return {
    address: api.address,
    protocol: api.protocol,
    newGid: () => api.newGid(),
    prepare: (transaction) => api.prepare(transaction),
    registerBranch: (branch) => api.registerBranch(branch),
    submit: dead,
    abort: dead,
    query: dead,
    all: dead,
    forceStop: dead,
    retryNow: dead,
    subscribe: dead,
    unsubscribe: dead,
    deleteTopic: dead,
    version: dead,
  };
}

async function pgBank(pool: PgPool): Promise<XaBank> {
  const adapter = pgXa(pool);
  await adapter.createTable();
  await pool.query('create table account (balance int not null)');
  await pool.query('insert into account values (0)');
  return {
    adapter: adapter as XaAdapter<unknown>,
    async change(tx, amount) {
      const client = tx as Pick<PgPool, 'query'>;
      const { rows } = await client.query('update account set balance = balance + $1 returning balance', [amount]);
      if ((rows as { balance: number }[])[0]!.balance < 0) throw new DtmFailureError('overdrawn');
    },
    balance: async () => ((await pool.query('select balance from account')).rows as { balance: number }[])[0]!.balance,
    setBalance: async (amount) => {
      await pool.query('delete from dtm_barrier.barrier');
      await pool.query('update account set balance = $1', [amount]);
    },
    prepared: async () => (await adapter.listInDoubt()).length,
  };
}

async function mysqlBank(pool: MysqlPool): Promise<XaBank> {
  const adapter = mysql2Xa(pool);
  await adapter.createTable();
  await pool.query('create table account (balance int not null)');
  await pool.query('insert into account values (0)');
  const balanceBy = async ({ query }: { query(sql: string): Promise<unknown> }): Promise<number> => {
    const [rows] = (await query('select balance from account')) as [{ balance: number }[]];
    return rows[0]!.balance;
  };
  return {
    adapter: adapter as unknown as XaAdapter<unknown>,
    async change(tx, amount) {
      const connection = tx as Pick<MysqlPool, 'query'>;
      await connection.query('update account set balance = balance + ?', [amount]);
      const balance = await balanceBy({ query: (sql) => connection.query(sql) });
      if (balance < 0) throw new DtmFailureError('overdrawn');
    },
    balance: () => balanceBy({ query: (sql) => pool.query(sql) }),
    setBalance: async (amount) => {
      await pool.query('delete from dtm_barrier.barrier');
      await pool.query('update account set balance = ?', [amount]);
    },
    prepared: async () => (await adapter.listInDoubt()).length,
  };
}
