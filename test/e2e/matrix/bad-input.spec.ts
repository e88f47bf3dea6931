import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  BranchPayload,
  DtmError,
  DtmModule,
  DtmService,
  MsgBranch,
  TccAction,
  branchOf,
  type DtmModuleOptions,
  type DtmConnection,
} from 'nestjs-dtm';
import { dtmGrpcClient, dtmClient } from 'nestjs-dtm/client';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { RecordingLogger } from '../../support/recording-logger.js';
import { recordingServer } from '../nest/recording-server.js';

/** More than 4 MiB, the message limit of gRPC and dtm. */
const TOO_LARGE = 'x'.repeat(5_000_000);

const taken: string[] = [];

@Controller('stock')
class StockController {
  @MsgBranch()
  take(@BranchPayload() item: string): void {
    taken.push(item);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  reserve(@BranchPayload() item: string): void {
    taken.push(item);
  }
  confirm(): void {}
  cancel(): void {}
}

/** Starts an application with both transports. */
async function start(server: DtmModuleOptions['server']): Promise<DtmService> {
  const [port] = await freePorts(1);
  const grpc = `127.0.0.1:${port}`;

  @Module({ imports: [DtmModule.forRoot({ server, endpoint: { grpc } })], controllers: [StockController] })
  class TestModule {}

  const app = await NestFactory.create(TestModule, { logger: false, abortOnError: false });
  onTestFinished(() => app.close());
  app.connectMicroservice(dtmGrpcOptions([StockController], { url: grpc }) as MicroserviceOptions);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app.get(DtmService);
}

const thrown = (work: () => unknown): Promise<unknown> =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (error: unknown) => error,
    );

beforeEach(() => {
  taken.length = 0;
});

describe('a URL scheme without a driver in the application', () => {
  const drivers = /dtm-driver-gozero or dtm-driver-ego/;

  test('of the coordinator: the start fails and names the drivers for the scheme', async () => {
    await expect(start('etcd://etcd:2379/dtmservice')).rejects.toThrow(drivers);
  });

  const url = 'etcd://etcd:2379/bank/bank.Bank/In';
  const at = 'etcd://etcd:2379/stock';

  test.each<[string, (dtm: DtmService) => unknown]>([
    ['a saga', (dtm) => dtm.saga().add({ action: url }, Buffer.alloc(1))],
    ['a message', (dtm) => dtm.msg().add(url, Buffer.alloc(1))],
    ['a message, by branchOf', (dtm) => dtm.msg().add(branchOf(StockController, 'take', { at }), 'a')],
    [
      'a TCC, by branchOf',
      (dtm) => dtm.tcc((tcc) => tcc.call(branchOf(StockController, 'reserve', { at }), 'a'), { protocol: 'grpc' }),
    ],
    ['an XA', (dtm) => dtm.xa((xa) => xa.call(url, Buffer.alloc(1)), { protocol: 'grpc' })],
  ])('of a branch of %s: no branch is called', async (_, begin) => {
    const server = recordingServer();
    const dtm = await start(server);
    expect(await thrown(() => begin(dtm))).toMatchObject({ message: expect.stringMatching(drivers) });
    expect(server.submitted).toEqual([]);
    expect(server.registered).toEqual([]);
  });
});

describe('a gRPC branch in a TCC over HTTP', () => {
  const refusal = async (at?: string): Promise<unknown> => {
    const server = recordingServer();
    const dtm = await start(server);
    const branch = branchOf(StockController, 'reserve', { at, over: 'grpc' });
    const error = await thrown(() => dtm.tcc((tcc) => tcc.call(branch, 'a')));
    expect(server.registered).toEqual([]);
    expect(taken).toEqual([]);
    return error;
  };

  test('is not called; the error names the option to set', async () => {
    expect(await refusal()).toMatchObject({
      code: 'DTM_ARGUMENT',
      message: expect.stringMatching(/set protocol: 'grpc'/),
    });
  });

  test('is refused with the name of the driver for its scheme', async () => {
    expect(await refusal('etcd://etcd:2379/stock')).toMatchObject({
      message: expect.stringMatching(/dtm-driver-gozero/),
    });
  });
});

describe('metadata outside printable ASCII is refused before a request is sent', () => {
  test.each<[string, Record<string, string>]>([
    ['a non-Latin script', { city: 'Łódź' }],
    ['a line break', { city: 'a\nb' }],
    ['a space in the name', { 'a city': 'x' }],
  ])('branch headers with %s', async (_, branchHeaders) => {
    const server = recordingServer();
    const dtm = await start(server);
    for (const begin of [
      () => dtm.saga({ branchHeaders }),
      () => dtm.msg({ branchHeaders }),
      () => dtm.tcc(() => undefined, { branchHeaders }),
      () => dtm.xa(() => undefined, { branchHeaders }),
    ]) {
      expect(await thrown(begin)).toMatchObject({ code: 'DTM_ARGUMENT', message: expect.stringMatching(/ASCII/) });
    }
    expect(server.log.filter((line) => line !== 'open' && line !== 'recover')).toEqual([]);
  });

  test('calls to the coordinator', async () => {
    const dtm = await start(dtmGrpcClient('127.0.0.1:1', { metadata: { city: 'Łódź' } }));
    expect(await thrown(() => dtm.newGid())).toMatchObject({
      message: expect.stringMatching(/"city".*printable ASCII/),
    });
  });
});

describe.each(['http', 'grpc', 'json-rpc'] as const)('a coordinator over %s', (api) => {
  let server: EmbeddedServer;
  let client: DtmConnection;

  beforeEach(async () => {
    const listen = { port: 0, grpcPort: 0 };
    server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen });
    await server.open();
    server.recover();
    const { origin } = new URL(server.address!);
    client = dtmClient({ http: origin, grpc: server.grpcAddress!, 'json-rpc': `${origin}/api/json-rpc` }[api]);
  });
  afterEach(() => server.close());

  test('rejects a topic without subscribers and stores no message', async () => {
    const dtm = await start(client);
    const message = dtm.msg({ gid: 'order-1' }).addTopic('orders', 1);
    const error = await thrown(() => message.submit());
    expect(error).toBeInstanceOf(DtmError);
    expect(error).toMatchObject({ message: expect.stringMatching(/topic not found: orders; subscribe to it first/) });
    expect(await dtm.query('order-1')).toBeUndefined();
  });

  test('rejects a request above its size limit and names the limit', async () => {
    const dtm = await start(client);
    const saga = dtm.saga({ gid: 'order-1' }).add({ action: 'http://127.0.0.1:1/' }, TOO_LARGE);
    const limit = { http: /413|4194304|4 MiB/, grpc: /RESOURCE_EXHAUSTED.*4194304/, 'json-rpc': /413|4194304|4 MiB/ }[
      api
    ];
    expect(await thrown(() => saga.submit())).toMatchObject({ message: expect.stringMatching(limit) });
    expect(await dtm.query('order-1')).toBeUndefined();
  });
});

test('a gRPC branch rejects a payload above its size limit and names the limit', async () => {
  const dtm = await start(embeddedServer({ store: memoryStore(), logger: new RecordingLogger() }));
  const branch = branchOf(StockController, 'reserve', { over: 'grpc' });
  const error = await thrown(() => dtm.tcc((tcc) => tcc.call(branch, TOO_LARGE), { protocol: 'grpc' }));
  expect(error).toMatchObject({ message: expect.stringMatching(/RESOURCE_EXHAUSTED.*4194304/) });
  expect(taken).toEqual([]);
});
