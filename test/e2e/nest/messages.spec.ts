import { Controller, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Branch,
  BranchPayload,
  DtmModule,
  DtmService,
  MsgBranch,
  branchOf,
  type BranchContext,
  type BranchRoute,
} from 'nestjs-dtm';
import type { BarrierAdapter } from 'nestjs-dtm/barrier';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { DtmConfigError, DtmFailureError, DtmOngoingError, DtmServerError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { VirtualClock } from '../../support/virtual-clock.js';
import { memoryAdapter, type MemoryTransaction } from '../../unit/barrier/memory-adapter.js';
import { createAdapter, platforms, type Platform } from './platforms.js';

const delivered: string[] = [];

@Controller('stock')
class StockController {
  @MsgBranch()
  take(@BranchPayload() order: { readonly item: string }, @Branch() { op }: BranchContext): void {
    delivered.push(`${op} ${order.item}`);
  }
}

/** More than the time after which the coordinator makes the query-back. */
const TIMEOUT_MS = 36_000;

type Row = [over: BranchRoute, platform: Platform, databases: string[]];

const rows: Row[] = [
  ...platforms.map((platform): Row => ['http', platform, ['default']]),
  ...platforms.map((platform): Row => ['http', platform, ['orders', 'stock']]),
  ['in-process', 'express', ['default']],
  ['in-process', 'express', ['orders', 'stock']],
  ['grpc', 'express', ['default']],
  ['grpc', 'express', ['orders', 'stock']],
];

describe.each(rows)('messages over %s on %s with the databases %j', (over, platform, names) => {
  let app: INestApplication;
  let dtm: DtmService;
  let clock: VirtualClock;
  let adapter: BarrierAdapter<MemoryTransaction>;

  beforeEach(async () => {
    delivered.length = 0;
    clock = new VirtualClock();
    const barriers = names.map((name) => [name, { barrier: memoryAdapter().adapter }] as const);
    adapter = barriers.at(-1)![1].barrier;
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const endpoint = { over, ...(over === 'grpc' && { grpc: address }) };
    const server = embeddedServer({ store: memoryStore(), clock });

    @Module({
      imports: [DtmModule.forRoot({ server, endpoint, databases: Object.fromEntries(barriers) })],
      controllers: [StockController],
    })
    class TestModule {}

    if (over === 'grpc') {
      const options = dtmGrpcOptions([StockController], { url: address }) as MicroserviceOptions;
      const service = await NestFactory.createMicroservice(TestModule, { ...options, logger: false });
      await service.listen();
      app = service as unknown as INestApplication;
    } else {
      app = await NestFactory.create(TestModule, createAdapter(platform), { logger: false });
      app.setGlobalPrefix('api');
      await app.listen(0, '127.0.0.1');
    }
    dtm = app.get(DtmService);
  });

  afterEach(() => app.close());

  const message = () => dtm.msg({ gid: 'order-1' }).add(branchOf(StockController, 'take'), { item: 'book' });
  const status = async () => (await dtm.query('order-1'))?.transaction.status;

  test('doAndSubmit delivers', async () => {
    expect(await message().doAndSubmit(adapter, async () => 'sold', { waitResult: true })).toBe('sold');
    expect(delivered).toEqual(['action book']);
  });

  test('an initiator that dies after its commit is asked, and the message is delivered', async () => {
    await adapter.transaction((tx) => message().join(adapter, tx));
    expect(await status()).toBe('prepared');
    await clock.advance(TIMEOUT_MS);
    await expect.poll(status).toBe('succeed');
    expect(delivered).toEqual(['action book']);
  });

  test('an initiator that dies before its commit is asked, and the message is dropped for good', async () => {
    const died = new Error('died');
    const transaction = adapter.transaction(async (tx) => {
      await message().join(adapter, tx);
      throw died;
    });
    await expect(transaction).rejects.toBe(died);
    await clock.advance(TIMEOUT_MS);
    await expect.poll(status).toBe('failed');
    expect(delivered).toEqual([]);
    const late = adapter.transaction((tx) => message().join(adapter, tx));
    await expect(late).rejects.toThrow(DtmFailureError);
  });

  test('a database that is not registered is rejected before anything is stored', async () => {
    const other = memoryAdapter().adapter;
    await expect(message().doAndSubmit(other, async () => 1)).rejects.toThrow(DtmConfigError);
    await expect(message().doAndSubmit(other, async () => 1)).rejects.toThrow(/register the same adapter object/);
    expect(await status()).toBeUndefined();
  });

  test('waitFor tells how a message ended', async () => {
    await expect(dtm.waitFor('order-1')).rejects.toThrow(DtmServerError);
    await message().prepare('http://127.0.0.1:1/query');
    await expect(dtm.waitFor('order-1', { timeoutSeconds: 0 })).rejects.toThrow(DtmOngoingError);
    await message().submit();
    await dtm.waitFor('order-1');
    expect(delivered).toEqual(['action book']);
  });
});

describe('topics', () => {
  test('deliver messages from the subscription to its end', async () => {
    delivered.length = 0;
    const server = embeddedServer({ store: memoryStore() });

    @Module({ imports: [DtmModule.forRoot({ server })], controllers: [StockController] })
    class TestModule {}

    const app = await NestFactory.create(TestModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    const dtm = app.get(DtmService);
    const send = () => dtm.msg().addTopic('sold', { item: 'book' }).submit({ waitResult: true });
    await expect(send()).rejects.toThrow(/sold/);
    const url = `${await app.getUrl()}/stock/take`;
    await dtm.topics.subscribe('sold', url, 'the stock');
    await send();
    expect(delivered).toEqual(['action book']);
    await dtm.topics.unsubscribe('sold', url);
    await dtm.topics.deleteTopic('sold');
    await expect(send()).rejects.toThrow(/sold/);
    await app.close();
  });
});
