import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDtm, type DtmServer } from '../../services/dtm.mjs';
import { freePorts } from '../../services/free-ports.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { tempFolder } from '../../support/temp-folder.js';
import { ServeProcess } from '../cli/serve-process.js';
import { Banks, MovingSample, type MovingSampleOptions } from './moving-sample.js';

/*
 * The moves of docs/production.md: start on one arrangement, leave unfinished transactions, move, and they finish.
 */

const UNFINISHED = ['prepared', 'submitted', 'aborting'] as const;

const postgres = requireOrSkip('postgres');
const go = requireOrSkip('dtm', 'postgres');

let server: PostgresServer;

beforeAll(async () => {
  if (postgres.available) server = await startPostgres();
});
afterAll(() => server?.stop());

let databases = 0;

/** A new name of a database. */
const fresh = (prefix: string): string => `${prefix}_${(databases += 1)}`;

/** Environment of `serve` on a database of the server. */
function serveOn(database: string): Record<string, string> {
  const { host, port, user, password } = server;
  return {
    STORE_DRIVER: 'postgres',
    STORE_HOST: host,
    STORE_PORT: String(port),
    STORE_USER: user,
    STORE_PASSWORD: password,
    STORE_DB: database,
  };
}

const urlOf = (database: string): string => server.url.replace(/\w+$/, database);
const originOf = (serve: ServeProcess): string => new URL(serve.base).origin;

/** Number of transactions of a coordinator that are not finished. */
async function countUnfinished(origin: string): Promise<number> {
  const counts = UNFINISHED.map(async (status) => {
    const answer = await fetch(`${origin}/api/dtmsvr/all?status=${status}`);
    return ((await answer.json()) as { transactions: unknown[] }).transactions.length;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function startGo(settings: Parameters<typeof startDtm>[0] = {}): Promise<DtmServer> {
  const dtm = await startDtm({ ...settings, env: { TRANS_CRON_INTERVAL: '1', LOG_LEVEL: 'error' } });
  onTestFinished(() => dtm.stop());
  return dtm;
}

describe.skipIf(!postgres.available)(postgres.title('stop and start again'), () => {
  it('one replica, killed, with its file on another machine and other ports', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const volume = tempFolder();
    const first = await MovingSample.start({ banks, env: { SAMPLE_DATA: volume } });
    await first.leaveUnfinished('in-process');
    await first.kill();
    await banks.acceptChanges();
    const copy = join(tempFolder(), 'volume');
    cpSync(volume, copy, { recursive: true });
    const second = await MovingSample.start({ banks, env: { SAMPLE_DATA: copy } });
    await banks.waitForEnd();
    await second.stop();
  });

  it('a replica that is killed leaves its transactions to the others', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const env = { DTM_STORE: urlOf(fresh('store')) };
    const first = await MovingSample.start({ banks, env });
    const second = await MovingSample.start({ banks, env });
    await first.leaveUnfinished('in-process');
    await first.kill();
    await banks.acceptChanges();
    await banks.waitForEnd();
    await second.stop();
  });
});

describe.skipIf(!postgres.available)(postgres.title('to serve'), () => {
  it('on the database of the replicas: an old replica finishes the branches in process', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const store = fresh('store');
    const old = { banks, env: { DTM_STORE: urlOf(store) } };
    const first = await MovingSample.start(old);
    await first.leaveUnfinished('in-process');
    await first.stop();
    await banks.acceptChanges();

    const serve = await ServeProcess.start({ env: serveOn(store) });
    const sample = await MovingSample.start({ banks, env: { DTM_SERVER: originOf(serve) } });
    expect(await sample.transfer('saga', 'http')).toBe(true);
    expect(await countUnfinished(originOf(serve))).toBe(4);

    const last = await MovingSample.start(old);
    await expect.poll(() => countUnfinished(originOf(serve)), { timeout: 90_000 }).toBe(0);
    await banks.waitForEnd();
    await last.stop();
    expect(await sample.transfer('tcc', 'grpc')).toBe(true);
    await banks.waitForEnd();
  });

  it.each(['http', 'grpc'] as const)('with the file of one replica: branches over %s go on', async (over) => {
    const banks = await Banks.create(server, fresh('banks'));
    const volume = tempFolder();
    const first = await MovingSample.start({ banks, env: { SAMPLE_DATA: volume } });
    await first.leaveUnfinished(over);
    await first.stop();
    await banks.acceptChanges();
    const serve = await ServeProcess.start({ env: { STORE_PATH: join(volume, 'dtm.db') } });
    await MovingSample.start({ banks, env: { DTM_SERVER: originOf(serve) }, ports: first.ports });
    await banks.waitForEnd();
    await expect.poll(() => countUnfinished(originOf(serve))).toBe(0);
  });
});

describe.skipIf(!go.available)(go.title('to the real dtm'), () => {
  it('on the database of serve, and back', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const database = fresh('store');
    const serve = await ServeProcess.start({ env: serveOn(database) });
    const first = await MovingSample.start({ banks, env: { DTM_SERVER: originOf(serve) } });
    await first.leaveUnfinished('http');
    await serve.stop();
    await first.stop();
    await banks.acceptChanges();

    const dtm = await startGo({ store: { driver: 'postgres', ...server, database } });
    const second = await MovingSample.start({ banks, env: { DTM_SERVER: dtm.url }, ports: first.ports });
    await banks.waitForEnd();
    await second.leaveUnfinished('http');
    await dtm.stop();
    await second.stop();
    await banks.acceptChanges();

    const back = await ServeProcess.start({ env: serveOn(database) });
    await MovingSample.start({ banks, env: { DTM_SERVER: originOf(back) }, ports: first.ports });
    await expect.poll(() => countUnfinished(originOf(back)), { timeout: 90_000 }).toBe(0);
    await banks.waitForEnd();
  });

  it('with a store of its own: one replica drains', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const dtm = await startGo();
    await drain(await startReplica(banks), { banks, env: { DTM_SERVER: dtm.url } });
  });

  it('with a store of its own: serve drains', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const [serve, dtm] = [await ServeProcess.start(), await startGo()];
    const sample = await MovingSample.start({ banks, env: { DTM_SERVER: originOf(serve) } });
    await drain({ sample, origin: originOf(serve), over: 'http' }, { banks, env: { DTM_SERVER: dtm.url } });
    expect(await serve.stop()).toBe(0);
  });
});

describe.skipIf(!postgres.available)(postgres.title('to another store'), () => {
  it('from a file to PostgreSQL: the old replica drains', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    await drain(await startReplica(banks), { banks, env: { DTM_STORE: urlOf(fresh('store')) } });
  });

  it('from PostgreSQL to a file: an old replica drains', async () => {
    const banks = await Banks.create(server, fresh('banks'));
    const old = await startReplica(banks, { DTM_STORE: urlOf(fresh('store')) });
    await drain(old, { banks, env: { SAMPLE_DATA: tempFolder() } });
  });
});

/** An arrangement that is going to be left. */
interface Left {
  readonly sample: MovingSample;
  /** Address of the coordinator's API. */
  readonly origin: string;
  readonly over: 'in-process' | 'http';
}

/** Starts a replica whose coordinator has an API. */
async function startReplica(banks: Banks, env: Record<string, string> = {}): Promise<Left> {
  const [port] = await freePorts(1);
  const sample = await MovingSample.start({ banks, env: { ...env, DTM_LISTEN: String(port) } });
  return { sample, origin: `http://127.0.0.1:${port}`, over: 'in-process' };
}

/** Starts the new arrangement beside the old one, which stops when it has nothing left. */
async function drain({ sample: old, origin, over }: Left, options: MovingSampleOptions): Promise<void> {
  const { banks, env } = options;
  await old.leaveUnfinished(over);
  const next = await MovingSample.start(options);
  await banks.acceptChanges();
  const overOfNext = env['DTM_SERVER'] === undefined ? 'in-process' : 'http';
  expect(await next.transfer('saga', overOfNext)).toBe(true);
  await expect.poll(() => countUnfinished(origin), { timeout: 90_000 }).toBe(0);
  await old.stop();
  await banks.waitForEnd();
  expect(await next.transfer('saga', overOfNext)).toBe(true);
  await banks.waitForEnd();
}
