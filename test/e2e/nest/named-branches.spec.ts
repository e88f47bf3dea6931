import { join } from 'node:path';
import { Controller, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Branch, DtmModule, SagaBranch, type BranchContext, type DtmModuleOptions } from 'nestjs-dtm';
import { embeddedServer, memoryStore, sqliteStore, type Store } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { branchOf as branchRecord, transactionOf } from '../../contracts/store/records.js';
import { postgres, type SqlServer } from '../../contracts/store/sql-servers.js';
import { freePorts } from '../../services/free-ports.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { RecordingLogger } from '../../support/recording-logger.js';
import { temporaryFolder } from '../bank/bank-fixtures.js';
import { BankProcess } from './processes/bank-process.js';

const called: string[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  transOut(@Branch() { gid }: BranchContext): void {
    called.push(gid);
  }
}

@Controller('shop')
class ShopController {
  @SagaBranch({ compensate: false })
  sell(@Branch() { gid }: BranchContext): void {
    called.push(gid);
  }
}

/** Starts an application; `port` 0 = without a port. */
async function start(store: Store, dtm: Partial<DtmModuleOptions> = {}, port = 0): Promise<INestApplicationContext> {
  const server = embeddedServer({ store, logger: new RecordingLogger(), pollIntervalSeconds: 0.02 });
  @Module({
    imports: [DtmModule.forRoot({ server, ...dtm })],
    controllers: dtm.name === 'shop' ? [ShopController] : [BankController],
  })
  class AppModule {}
  const options = { logger: false, abortOnError: false } as const;
  if (port === 0) {
    const app = await NestFactory.createApplicationContext(AppModule, options);
    onTestFinished(() => app.close());
    return app;
  }
  const app = await NestFactory.create(AppModule, options);
  onTestFinished(() => app.close());
  await app.listen(port, '127.0.0.1');
  return app;
}

/** Stores a due saga with one branch. */
async function leave(store: Store, gid: string, url: string): Promise<void> {
  const now = Date.now();
  await store.create({
    transaction: transactionOf(gid, { createTime: now, updateTime: now, nextCronTime: now }),
    branches: [branchRecord('01', { op: 'compensate', url: '' }), branchRecord('01', { url, payload: '' })],
  });
}

async function statusOf(store: Store, gid: string): Promise<string | undefined> {
  return (await store.find(gid))?.transaction.status;
}

/** Ends the leases of a process that was killed, so that a test need not wait for it. */
async function endLeases(store: Store): Promise<void> {
  await store.claim(Date.now() + 3_600_000, 'killed', () => 0, 100, undefined, 'bank');
}

beforeEach(() => {
  called.length = 0;
});

test('a transaction of version 0.1.0, with URLs of 127.0.0.1, goes on', async () => {
  const store = memoryStore();
  const [port] = await freePorts(1);
  await leave(store, 'g', `http://127.0.0.1:${port}/bank/transOut`);
  await start(store, {}, port);
  await expect.poll(() => statusOf(store, 'g'), { timeout: 20_000 }).toBe('succeed');
  expect(called).toEqual(['g']);
});

test('an application that was killed in the middle of a saga finishes the saga on another port', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'dtm.db');
  const first = await BankProcess.start({ path, hangs: true });
  first.submit('g');
  await expect.poll(() => first.calls, { timeout: 10_000 }).toEqual(['transOut', 'transIn']);
  await first.kill();
  const store = sqliteStore({ path });
  await store.open();
  await endLeases(store);
  await store.close();
  const second = await BankProcess.start({ path });
  await expect.poll(() => second.calls, { timeout: 10_000 }).toEqual(['transIn']);
  await second.kill();
  const after = sqliteStore({ path });
  await after.open();
  onTestFinished(() => after.close());
  expect((await after.find('g'))?.branches.map(({ url }) => url).filter(Boolean)).toEqual([
    'app:///bank/transOut',
    'app:///bank/transIn',
  ]);
});

const needs = requireOrSkip('postgres');
describe.skipIf(!needs.available)(needs.title('applications on one PostgreSQL'), () => {
  let database: SqlServer;

  beforeAll(async () => {
    database = await postgres.start();
  });
  afterAll(() => database?.stop());

  test('a replica finishes the saga of a replica that was killed', async () => {
    const options = { url: database.url, schema: 'replicas' };
    const first = await BankProcess.start({ name: 'bank', postgres: options, hangs: true });
    first.submit('g');
    await expect.poll(() => first.calls, { timeout: 10_000 }).toEqual(['transOut', 'transIn']);
    const second = await BankProcess.start({ name: 'bank', postgres: options });
    await first.kill();
    await database.ofGo.sql(`update replicas.trans_global set next_cron_time = now()`);
    await expect.poll(() => second.calls, { timeout: 10_000 }).toEqual(['transIn']);
    await expect
      .poll(async () => (await database.ofGo.sql('select status from replicas.trans_global'))[0]?.['status'])
      .toBe('succeed');
  });

  test('two applications call their own branches only', async () => {
    const tables = database.newTables();
    const store = tables.store();
    await store.open();
    onTestFinished(() => store.close());
    const gids = Array.from({ length: 20 }, (_, index) => index);
    await Promise.all(
      gids.flatMap((index) => [
        leave(store, `bank-${index}`, 'app://bank/bank/transOut'),
        leave(store, `shop-${index}`, 'app://shop/shop/sell'),
      ]),
    );
    await start(tables.store(), { name: 'shop' });
    await expect.poll(() => called.length).toBe(20);
    await expect.poll(() => statusOf(store, 'shop-19')).toBe('succeed');
    expect(called.filter((gid) => !gid.startsWith('shop-'))).toEqual([]);
    const waiting = await store.find('bank-0');
    expect(waiting?.transaction).toMatchObject({ status: 'submitted', owner: undefined });
    expect(waiting?.branches[1]?.attempts ?? 0).toBe(0);
    await start(tables.store(), { name: 'bank' });
    await expect.poll(() => called.length).toBe(40);
    for (const index of gids) await expect.poll(() => statusOf(store, `bank-${index}`)).toBe('succeed');
    expect(new Set(called).size).toBe(40);
  });

  test.each<[string, Partial<DtmModuleOptions>, RegExp]>([
    ['an application without a name', {}, /no name; set the option name/],
    ['an HTTP endpoint of loopback', { endpoint: { http: 'http://127.0.0.1:3000' } }, /endpoint\.http .* to itself/],
    [
      'a gRPC endpoint of loopback',
      { name: 'bank', endpoint: { grpc: 'localhost:50051' } },
      /endpoint\.grpc .* to itself/,
    ],
    [
      'branches over HTTP without an endpoint',
      { name: 'bank', endpoint: { over: 'http' } },
      /endpoint\.http is not set/,
    ],
  ])('%s is refused at start', async (_, dtm, reason) => {
    await expect(start(database.newTables().store(), dtm)).rejects.toThrow(reason);
  });
});
