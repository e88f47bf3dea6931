import { fileURLToPath } from 'node:url';
import {
  BadRequestException,
  Controller,
  Module,
  UsePipes,
  type INestMicroservice,
  type PipeTransform,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Branch,
  BranchPayload,
  DtmArgumentError,
  DtmFailureError,
  DtmModule,
  DtmService,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchContext,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';

const protoPath = fileURLToPath(new URL('bank.proto', import.meta.url));

const loader = { longs: Number };

interface Transfer {
  readonly userId: number;
  readonly amount: number;
}

const calls: string[] = [];

const upTo100: PipeTransform = {
  transform(value: unknown, { type }) {
    if (type === 'body' && (value as Transfer).amount > 100) throw new BadRequestException('more than 100');
    return value;
  },
};

@Controller()
class TellerController {
  @SagaBranch({ compensate: 'undoTransOut', service: 'bank.Bank' })
  @UsePipes(upTo100)
  transOut(@BranchPayload() { userId, amount }: Transfer, @Branch() { op }: BranchContext): void {
    calls.push(`${op} ${userId} ${amount}`);
  }

  undoTransOut(@BranchPayload() { userId, amount }: Transfer): void {
    calls.push(`undo ${userId} ${amount}`);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel', service: 'bank.Bank' })
  freeze(@BranchPayload() { amount }: Transfer): { amount: number } {
    return { amount };
  }

  confirm(@BranchPayload() { amount }: Transfer): void {
    calls.push(`confirm ${amount}`);
  }

  cancel(): void {
    calls.push('cancel');
  }
}

let app: INestMicroservice;
let dtm: DtmService;
let address: string;

beforeAll(async () => {
  const [port] = await freePorts(1);
  address = `127.0.0.1:${port}`;
  const server = embeddedServer({ store: memoryStore() });

  @Module({
    imports: [DtmModule.forRoot({ server, endpoint: { grpc: address }, protos: { protoPath, loader } })],
    controllers: [TellerController],
  })
  class TestModule {}

  const options = dtmGrpcOptions([TellerController], { url: address, package: 'bank', protoPath, loader });
  app = await NestFactory.createMicroservice(TestModule, { ...(options as MicroserviceOptions), logger: false });
  await app.listen();
  dtm = app.get(DtmService);
});

beforeEach(() => {
  calls.length = 0;
});

afterAll(() => app.close());

const transfer: Transfer = { userId: 1, amount: 30 };

test('a branch of a .proto gets the message of its service', async () => {
  await dtm.saga().add(branchOf(TellerController, 'transOut'), transfer).submit({ waitResult: true });
  expect(calls).toEqual(['action 1 30']);
});

test('a try returns the message of its service', async () => {
  const work = dtm.tcc((tcc) => tcc.call(branchOf(TellerController, 'freeze'), transfer), {
    waitResult: true,
  });
  expect(await work).toEqual({ amount: 30 });
  expect(calls).toEqual(['confirm 30']);
});

test('a pipe that throws rolls the saga back', async () => {
  const saga = dtm.saga().add(branchOf(TellerController, 'transOut'), { userId: 1, amount: 101 });
  const submitted = saga.submit({ waitResult: true });
  await expect(submitted).rejects.toThrow(DtmFailureError);
  await expect(submitted).rejects.toThrow(/more than 100/);
});

test('a branch may be given by URL', async () => {
  const url = `${address}/bank.Bank/TransOut`;
  await dtm.saga().add({ action: url }, transfer).submit({ waitResult: true });
  expect(calls).toEqual(['action 1 30']);
});

test.each<[string, () => unknown]>([
  ['a field of the wrong type', () => ({ userId: 'one', amount: 30 })],
  ['a field that the message does not have', () => ({ userId: 1, amount: 30, currency: 'EUR' })],
])('%s is rejected before anything is sent', (_, payload) => {
  expect(() => dtm.saga().add({ action: `${address}/bank.Bank/TransOut` }, payload())).toThrow(DtmArgumentError);
});

test('a method that the service does not have is rejected before anything is sent', () => {
  expect(() => dtm.saga().add({ action: `${address}/bank.Bank/TransAway` }, transfer)).toThrow(
    /has no method "TransAway"/,
  );
});

test('int64 is text on both sides unless loader says otherwise', async () => {
  const [port] = await freePorts(1);
  const at = `127.0.0.1:${port}`;
  const seen: unknown[] = [];

  @Controller()
  class TextController {
    @SagaBranch({ compensate: false, service: 'bank.Bank' })
    transOut(@BranchPayload() payload: { readonly userId: string; readonly amount: string }): void {
      seen.push({ ...payload });
    }
  }

  @Module({
    imports: [
      DtmModule.forRoot({
        server: embeddedServer({ store: memoryStore() }),
        endpoint: { grpc: at },
        protos: { protoPath },
      }),
    ],
    controllers: [TextController],
  })
  class TextModule {}

  const options = dtmGrpcOptions([TextController], { url: at, package: 'bank', protoPath });
  const texts = await NestFactory.createMicroservice(TextModule, {
    ...(options as MicroserviceOptions),
    logger: false,
  });
  try {
    await texts.listen();
    const saga = texts.get(DtmService).saga();
    await saga.add(branchOf(TextController, 'transOut'), { userId: '9007199254740993', amount: '30' }).submit({
      waitResult: true,
    });
    expect(seen).toEqual([{ userId: '9007199254740993', amount: '30' }]);
  } finally {
    await texts.close();
  }
});

test('a .proto that is missing is reported by its path', () => {
  expect(() => dtmGrpcOptions([TellerController], { protoPath: 'missing.proto' })).toThrow(
    /protoPath "missing\.proto" cannot be loaded/,
  );
});

test('two branches with the same name are rejected', () => {
  @Controller()
  class Teller {
    @SagaBranch({ compensate: false })
    pay(): void {}
  }
  const [One, Two] = [Teller, class extends Teller {}];
  Object.defineProperty(Two, 'name', { value: 'Teller' });
  expect(() => dtmGrpcOptions([One, Two])).toThrow(/have the same gRPC name nestjsdtm\.Teller\/Pay/);
});

test('a controller without branches is rejected', () => {
  @Controller()
  class Nothing {
    nothing(): void {}
  }
  expect(() => dtmGrpcOptions([Nothing])).toThrow(/Nothing has no branches/);
});
