import * as grpc from '@grpc/grpc-js';
import { Controller, HttpException, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Barrier,
  Branch,
  BranchBarrier,
  BranchPayload,
  DtmFailureError,
  DtmModule,
  DtmOngoingError,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchContext,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';

interface Transfer {
  readonly userId: number;
  readonly amount: number;
}

const calls: string[] = [];
let refusal: Error | undefined;

/** Notes the call and does what the test says. */
function note({ gid, transType, branchId, op }: BranchContext, payload: unknown): void {
  calls.push(`${transType} ${branchId} ${op} ${JSON.stringify(payload) ?? 'nothing'}`);
  expect(gid).not.toBe('');
  if (refusal) throw refusal;
}

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoTransOut' })
  transOut(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext, @Barrier() barrier: BranchBarrier) {
    expect(barrier.context).toMatchObject({ gid: context.gid, op: 'action' });
    note(context, transfer);
  }

  undoTransOut(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    calls.push(`undone ${context.branchId} ${transfer.amount}`);
  }

  @SagaBranch({ compensate: false })
  ping(@Branch() context: BranchContext) {
    note(context, undefined);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    note(context, transfer);
    return { frozen: transfer.amount };
  }

  confirm(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    calls.push(`confirmed ${context.branchId} ${transfer.amount}`);
  }

  cancel(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    calls.push(`cancelled ${context.branchId} ${transfer.amount}`);
  }

  @MsgBranch()
  transIn(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    note(context, transfer);
  }
}

const transfer: Transfer = { userId: 1, amount: 30 };

describe.each(['hybrid', 'gRPC only'] as const)('branches over gRPC in a %s application', (kind) => {
  let app: INestApplication | Awaited<ReturnType<typeof NestFactory.createMicroservice>>;
  let dtm: DtmService;
  let address: string;

  beforeAll(async () => {
    const [port] = await freePorts(1);
    address = `127.0.0.1:${port}`;
    const server = embeddedServer({ store: memoryStore() });

    @Module({
      imports: [DtmModule.forRoot({ server, endpoint: { grpc: address } })],
      controllers: [BankController],
    })
    class TestModule {}

    const options = dtmGrpcOptions([BankController], { url: address }) as MicroserviceOptions;
    if (kind === 'hybrid') {
      const hybrid = await NestFactory.create(TestModule, { logger: false });
      hybrid.connectMicroservice(options);
      await hybrid.startAllMicroservices();
      await hybrid.listen(0, '127.0.0.1');
      app = hybrid;
    } else {
      const service = await NestFactory.createMicroservice(TestModule, { ...options, logger: false });
      await service.listen();
      app = service;
    }
    dtm = app.get(DtmService);
  });

  beforeEach(() => {
    calls.length = 0;
    refusal = undefined;
  });

  afterAll(() => app.close());

  test('a saga succeeds', async () => {
    await dtm
      .saga()
      .add(branchOf(BankController, 'transOut', { over: 'grpc' }), transfer)
      .add(branchOf(BankController, 'ping', { over: 'grpc' }))
      .submit({ waitResult: true });
    expect(calls).toEqual(['saga 01 action {"userId":1,"amount":30}', 'saga 02 action nothing']);
  });

  test('a failure rolls a saga back with its reason', async () => {
    refusal = new DtmFailureError('no money');
    const saga = dtm.saga().add(branchOf(BankController, 'transOut', { over: 'grpc' }), transfer);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow(/rolled back \(action of branch 01\): no money$/);
    expect(calls).toEqual(['saga 01 action {"userId":1,"amount":30}', 'undone 01 30']);
  });

  test.each<[string, Error, RegExp]>([
    ['ongoing', new DtmOngoingError('not yet'), /is not finished \(action of branch 01\): not yet; next attempt at/],
    ['an unknown error', new Error('boom'), /is not finished .*: UNKNOWN: internal error \w+; .*next attempt at/],
    ['an HTTP error without an outcome', new HttpException('later', 503), /is not finished/],
  ])('%s leaves the saga unfinished', async (_, error, message) => {
    refusal = error;
    const saga = dtm.saga().add(branchOf(BankController, 'transOut', { over: 'grpc' }), transfer);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow(message);
  });

  test('a TCC is confirmed, and the result of the try returned', async () => {
    const frozen = await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze', { over: 'grpc' }), transfer), {
      protocol: 'grpc',
      waitResult: true,
    });
    expect(frozen).toEqual({ frozen: 30 });
    expect(calls).toEqual(['tcc 01 try {"userId":1,"amount":30}', 'confirmed 01 30']);
  });

  test('a TCC whose try fails is cancelled', async () => {
    refusal = new HttpException('no money', 409);
    const work = dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze', { over: 'grpc' }), transfer), {
      protocol: 'grpc',
    });
    await expect(work).rejects.toThrow(DtmFailureError);
    await expect.poll(() => calls).toEqual(['tcc 01 try {"userId":1,"amount":30}', 'cancelled 01 30']);
  });

  test('a message is delivered', async () => {
    await dtm
      .msg()
      .add(branchOf(BankController, 'transIn', { over: 'grpc' }), transfer)
      .submit({ waitResult: true });
    expect(calls).toEqual(['msg 01 action {"userId":1,"amount":30}']);
  });

  describe('called by another client', () => {
    let client: grpc.Client;

    beforeEach(() => {
      client = new grpc.Client(address, grpc.credentials.createInsecure());
    });
    afterEach(() => client.close());

    const call = (path: string, metadata: Record<string, string>, message: Buffer = Buffer.alloc(0)) =>
      new Promise<{ code: number; details: string }>((resolve) => {
        const entries = new grpc.Metadata();
        for (const [name, value] of Object.entries(metadata)) entries.set(name, value);
        const asIs = (bytes: Buffer): Buffer => bytes;
        client.makeUnaryRequest(path, asIs, asIs, message, entries, (error) =>
          resolve({ code: error?.code ?? 0, details: error?.details ?? '' }),
        );
      });
    const branch = {
      'dtm-gid': 'g',
      'dtm-trans_type': 'saga',
      'dtm-branch_id': '01',
      'dtm-op': 'action',
      'dtm-dtm': '',
    };

    test('an unexpected error is answered by its id, not by its text', async () => {
      refusal = new Error('db password=hunter2');
      expect(await call('/nestjsdtm.Bank/Ping', branch)).toEqual({
        code: grpc.status.UNKNOWN,
        details: expect.stringMatching(/^internal error [\da-f]{12}; the log has its text under this id$/) as string,
      });
    });

    test.each<[string, Record<string, string>, Buffer, RegExp]>([
      ['without the parameters of dtm', {}, Buffer.alloc(0), /not a branch call/],
      ['for another operation', { ...branch, 'dtm-op': 'compensate' }, Buffer.alloc(0), /serves saga action/],
      ['with an invalid gid', { ...branch, 'dtm-gid': 'a;b' }, Buffer.alloc(0), /gid/],
    ])('%s gets INVALID_ARGUMENT, and the method does not run', async (_, metadata, message, details) => {
      const answer = await call('/nestjsdtm.Bank/TransOut', metadata, message);
      expect(answer).toEqual({ code: grpc.status.INVALID_ARGUMENT, details: expect.stringMatching(details) as string });
      expect(calls).toEqual([]);
    });

    test.each<[string, Buffer, RegExp]>([
      ['a message of another kind', Buffer.from([0xff, 0xff]), /./],
      ['invalid JSON', Buffer.from([0x0a, 1, 0x7b]), /not valid JSON/],
    ])('%s is a failure of a saga, but not of a message; the method does not run', async (_, message, details) => {
      const text = expect.stringMatching(details) as string;
      expect(await call('/nestjsdtm.Bank/TransOut', branch, message)).toEqual({
        code: grpc.status.ABORTED,
        details: text,
      });
      const ofMessage = { ...branch, 'dtm-trans_type': 'msg' };
      expect(await call('/nestjsdtm.Bank/TransIn', ofMessage, message)).toEqual({
        code: grpc.status.INVALID_ARGUMENT,
        details: text,
      });
      expect(calls).toEqual([]);
    });
  });
});
