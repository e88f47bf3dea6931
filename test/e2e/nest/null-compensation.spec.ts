import * as grpc from '@grpc/grpc-js';
import { BadRequestException, Controller, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Barrier,
  BranchBarrier,
  BranchPayload,
  DtmModule,
  DtmService,
  SagaBranch,
  TccAction,
  branchOf,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { SUCCESS_BODY } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { memoryAdapter } from '../../unit/barrier/memory-adapter.js';
import { LogBook, callBranch, startApp, closeApps } from './app.js';
import { createAdapter, platforms } from './platforms.js';
import { recordingServer } from './recording-server.js';

interface Transfer {
  readonly amount: number;
}

/** What this version of the service refuses; an earlier version accepted it. */
let limit = 0;
const checked = {
  transform(transfer: Transfer) {
    if (transfer.amount > limit) throw new BadRequestException(['amount is too large']);
    return transfer;
  },
};

let memory = memoryAdapter();
let isDown = false;
const ran: string[] = [];

const database = {
  transaction: (work: never) => {
    if (isDown) throw new Error('database is down');
    return memory.adapter.transaction(work);
  },
  insert: (...args: never) => Reflect.apply(memory.adapter.insert, memory.adapter, args) as Promise<boolean>,
  findReason: (...args: never) => Reflect.apply(memory.adapter.findReason, memory.adapter, args) as Promise<string>,
  assertTransaction() {},
  async createTable() {},
} as unknown as typeof memory.adapter;

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undo', barrier: 'default' })
  async pay(@BranchPayload(checked) _transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(database, async () => void ran.push('pay'));
  }
  async undo(@BranchPayload(checked) _transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(database, async () => void ran.push('undo'));
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel', barrier: 'default' })
  hold(@BranchPayload(checked) _transfer: Transfer): void {}
  confirm(@BranchPayload(checked) _transfer: Transfer): void {}
  cancel(@BranchPayload(checked) _transfer: Transfer): void {}

  @SagaBranch({ compensate: 'undoPlain' })
  plain(@BranchPayload(checked) _transfer: Transfer): void {}
  undoPlain(@BranchPayload(checked) _transfer: Transfer): void {}
}

beforeEach(() => {
  limit = 0;
  isDown = false;
  memory = memoryAdapter();
  ran.length = 0;
});

const payload: Transfer = { amount: 30 };

describe.each(platforms)(
  'a compensation that refuses its payload on %s, with the barrier of its branch',
  (platform) => {
    let url: string;
    let logs: LogBook;

    beforeEach(async () => {
      ({ url, logs } = await startApp({
        platform,
        controllers: [BankController],
        dtm: { databases: { default: { barrier: database } } },
      }));
    });
    afterEach(closeApps);

    const call = async (path: string, op: string, transType = 'saga') => {
      const { status, body } = await callBranch(`${url}/bank/${path}`, { op, transType, payload });
      return [status, body];
    };

    test('is a success when the action never ran, and stops an action that comes late', async () => {
      expect(await call('undo', 'compensate')).toEqual([200, SUCCESS_BODY]);
      expect(await call('undo', 'compensate')).toEqual([200, SUCCESS_BODY]);
      expect(logs.of('DtmBranch')[0]).toMatch(
        /^warn .*saga g1, branch 01, compensate at BankController\.undo has nothing to undo: .*amount is too large/,
      );
      limit = 100;
      expect(await call('pay', 'action')).toEqual([200, SUCCESS_BODY]);
      expect(ran).toEqual([]);
    });

    test('is refused when an earlier version of the service ran the action', async () => {
      limit = 100;
      expect((await call('pay', 'action'))[0]).toBe(200);
      limit = 0;
      expect((await call('undo', 'compensate'))[0]).toBe(409);
      expect((await call('undo', 'compensate'))[0]).toBe(409);
      limit = 100;
      expect((await call('undo', 'compensate'))[0]).toBe(200);
      expect(ran).toEqual(['pay', 'undo']);
    });

    test('is a success of a cancel, too, and never of a confirm, an action or a try', async () => {
      expect(await call('cancel', 'cancel', 'tcc')).toEqual([200, SUCCESS_BODY]);
      expect((await call('confirm', 'confirm', 'tcc'))[0]).toBe(409);
      expect((await call('hold', 'try', 'tcc'))[0]).toBe(409);
      expect((await call('pay', 'action'))[0]).toBe(409);
    });

    test('is refused without the barrier', async () => {
      expect((await call('undoPlain', 'compensate'))[0]).toBe(409);
      expect(memory.rows()).toEqual([]);
    });

    test('has an unknown outcome while the database is down', async () => {
      isDown = true;
      expect((await call('undo', 'compensate'))[0]).toBe(500);
      isDown = false;
      expect((await call('undo', 'compensate'))[0]).toBe(200);
    });
  },
);

test('a compensation over gRPC is a success when the action never ran', async () => {
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;

  @Module({
    imports: [DtmModule.forRoot({ server: recordingServer(), databases: { default: { barrier: database } } })],
    controllers: [BankController],
  })
  class TestModule {}

  const options = dtmGrpcOptions([BankController], { url: address }) as MicroserviceOptions;
  const app = await NestFactory.createMicroservice(TestModule, { ...options, logger: false });
  await app.listen();
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const call = (method: string, op: string) =>
    new Promise<number>((resolve) => {
      const metadata = new grpc.Metadata();
      const parameters = { gid: 'g', trans_type: 'saga', branch_id: '01', op };
      for (const [name, value] of Object.entries(parameters)) metadata.set(`dtm-${name}`, value);
      const asIs = (bytes: Buffer): Buffer => bytes;
      // the field Json of nestjsdtm.Payload
      const json = Buffer.from(JSON.stringify(payload));
      const message = Buffer.concat([Buffer.from([0x0a, json.length]), json]);
      client.makeUnaryRequest(`/nestjsdtm.Bank/${method}`, asIs, asIs, message, metadata, (error) =>
        resolve(error?.code ?? grpc.status.OK),
      );
    });
  expect(await call('Undo', 'compensate')).toBe(grpc.status.OK);
  expect(await call('UndoPlain', 'compensate')).toBe(grpc.status.ABORTED);
  expect(await call('Pay', 'action')).toBe(grpc.status.ABORTED);
  client.close();
  await app.close();
});

test('a compensation in process is a success when the action never ran', async () => {
  const server = embeddedServer({ store: memoryStore() });

  @Module({
    imports: [DtmModule.forRoot({ server, databases: { default: { barrier: database } } })],
    controllers: [BankController],
  })
  class TestModule {}

  const app = await NestFactory.createApplicationContext(TestModule, { logger: false });
  const gid = await app.get(DtmService).saga().add(branchOf(BankController, 'pay'), payload).submit();
  await expect.poll(async () => (await server.query(gid))!.transaction.status).toBe('failed');
  const [compensation] = (await server.query(gid))!.branches;
  expect(compensation).toMatchObject({ status: 'succeed', attempts: 1, lastError: undefined });
  expect(memory.rows()).toHaveLength(2);
  await app.close();
});

test('the barrier must be one of the databases, at bootstrap', async () => {
  @Module({ imports: [DtmModule.forRoot({ server: 'http://dtm:36789' })], controllers: [BankController] })
  class TestModule {}

  const app: INestApplication = await NestFactory.create(TestModule, createAdapter('express'), {
    logger: false,
    abortOnError: false,
  });
  await expect(app.init()).rejects.toThrow(
    /BankController\.undo needs the barrier in the database "default", which has no barrier; set it in the option/,
  );
  await app.close();
});
