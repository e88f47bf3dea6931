import * as grpc from '@grpc/grpc-js';
import {
  BadRequestException,
  Controller,
  Module,
  UseInterceptors,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { BranchPayload, DtmFailureError, DtmModule, DtmService, SagaBranch, TccAction, branchOf } from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { readHttpOutcome, type TransactionRequest } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { catchError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { callBranch, deferred, query } from './app.js';
import { createAdapter, platforms, type Platform } from './platforms.js';

class Transfer {
  readonly amount!: number;
  readonly note?: string;
}

/** Refuses what ValidationPipe would. */
const positive = {
  transform(value: unknown) {
    if (value instanceof Object && (value as Transfer).amount <= 0)
      throw new BadRequestException(['amount must be positive']);
    return value;
  },
};

const ran: string[] = [];

/** A decorator of another package that replaces the method, and passes on nothing of the call. */
const replaces: MethodDecorator = (_target, _name, descriptor) => {
  const method = descriptor.value as unknown as (payload: unknown) => unknown;
  const wrapper = function (this: unknown, payload: unknown) {
    return method.call(this, payload);
  };
  for (const key of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper);
  }
  Object.assign(descriptor, { value: wrapper });
};

const refusesBehind: NestInterceptor = {
  intercept: (_context, next) =>
    next.handle().pipe(
      catchError((error: Error) => {
        throw new BadRequestException(`translated: ${error.message}`);
      }),
    ),
};

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undo' })
  pay(@BranchPayload(positive) _transfer: Transfer): void {
    ran.push('pay');
  }
  undo(@BranchPayload(positive) _transfer: Transfer): void {
    ran.push('undo');
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  hold(@BranchPayload(positive) _transfer: Transfer): void {
    ran.push('hold');
  }
  confirm(@BranchPayload(positive) _transfer: Transfer): void {
    ran.push('confirm');
  }
  cancel(@BranchPayload(positive) _transfer: Transfer): void {
    ran.push('cancel');
  }

  @SagaBranch({ compensate: false })
  fails(): void {
    throw new DtmFailureError('no money');
  }

  @UseInterceptors(refusesBehind)
  @SagaBranch({ compensate: false })
  failsBehind(): void {
    throw new Error('broken');
  }

  @replaces
  @SagaBranch({ compensate: false })
  replaced(@BranchPayload(positive) _transfer: Transfer): void {}
}

const rows: [Platform, 'http' | 'grpc'][] = [
  ...platforms.map((platform): [Platform, 'http'] => [platform, 'http']),
  ['express', 'grpc'],
];

let app: INestApplication;
let address: string;
let server: EmbeddedServer;

async function start(platform: Platform): Promise<DtmService> {
  ran.length = 0;
  const [port] = await freePorts(1);
  address = `127.0.0.1:${port}`;
  server = embeddedServer({ store: memoryStore() });

  @Module({ imports: [DtmModule.forRoot({ server, endpoint: { grpc: address } })], controllers: [BankController] })
  class TestModule {}

  app = await NestFactory.create(TestModule, createAdapter(platform), { logger: false, forceCloseConnections: true });
  app.connectMicroservice(dtmGrpcOptions([BankController], { url: address }) as MicroserviceOptions);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app.get(DtmService);
}

afterEach(() => app.close());

const invalid: Transfer = { amount: 0 };

describe.each(rows)('a refused payload on %s over %s', (platform, over) => {
  let dtm: DtmService;

  beforeEach(async () => {
    dtm = await start(platform);
  });

  const stateOf = async (gid: string): Promise<string> => {
    const { transaction, branches } = (await dtm.query(gid))!;
    return [transaction.status, ...branches.map(({ op, status }) => `${op} ${status}`)].join(', ');
  };

  test('ends its saga, although the compensation refuses the payload, too', async () => {
    const gid = await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over }), invalid)
      .submit();
    await expect.poll(() => stateOf(gid)).toBe('failed, compensate succeed, action failed');
    expect((await dtm.query(gid))!.transaction.rollbackReason).toContain('amount must be positive');
    expect(ran).toEqual([]);
  });

  test('compensates the other branches of its saga', async () => {
    const gid = await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over }), { amount: 1 })
      .add(branchOf(BankController, 'pay', { over }), invalid)
      .submit();
    await expect
      .poll(() => stateOf(gid))
      .toBe('failed, compensate succeed, action succeed, compensate succeed, action failed');
    expect(ran).toEqual(['pay', 'undo']);
  });

  test('ends its TCC, although the cancel refuses the payload, too', async () => {
    let gid = '';
    const work = dtm.tcc(
      async (tcc) => {
        gid = tcc.gid;
        await tcc.call(branchOf(BankController, 'hold', { over }), { amount: 1 });
        await tcc.call(branchOf(BankController, 'hold', { over }), invalid);
      },
      { protocol: over },
    );
    await expect(work).rejects.toMatchObject({ code: 'DTM_FAILURE', message: 'amount must be positive' });
    await expect
      .poll(() => stateOf(gid))
      .toBe('failed, cancel succeed, confirm prepared, cancel succeed, confirm prepared');
    expect(ran).toEqual(['hold', 'cancel']);
  });
});

describe.each(platforms)('a refused payload on %s', (platform) => {
  let dtm: DtmService;
  let url: string;

  beforeEach(async () => {
    dtm = await start(platform);
    url = await app.getUrl();
  });

  test('that exceeds the body limit ends its saga and its TCC', async () => {
    const large = { amount: 1, note: 'x'.repeat(2_000_000) };
    const gid = await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over: 'http' }), large)
      .submit();
    await expect.poll(async () => (await dtm.query(gid))!.transaction.status).toBe('failed');
    const tried = deferred<string>();
    const work = dtm.tcc((tcc) => {
      tried.resolve(tcc.gid);
      return tcc.call(branchOf(BankController, 'hold', { over: 'http' }), large);
    });
    await expect(work).rejects.toThrow(/exceeds the body limit/);
    const tccGid = await tried.promise;
    await expect.poll(async () => (await dtm.query(tccGid))!.transaction.status).toBe('failed');
    expect(ran).toEqual([]);
  });

  test.each(['{bad', 'hello'])('that is no JSON ends its saga: %s', async (payload) => {
    await server.submit({
      gid: 'g',
      transType: 'saga',
      steps: [{ action: `${url}/bank/pay`, compensate: `${url}/bank/undo` }],
      payloads: [Buffer.from(payload)],
    });
    await expect
      .poll(async () => {
        const { transaction, branches } = (await dtm.query('g'))!;
        return [transaction.status, ...branches.map(({ status }) => status)];
      })
      .toEqual(['failed', 'succeed', 'failed']);
    expect(ran).toEqual([]);
  });

  const outcomeOf = async (path: string, payload?: unknown, headers?: Record<string, string>) => {
    const { status, body } = await callBranch(`${url}/bank/${path}`, { payload, headers });
    return readHttpOutcome(status, body);
  };

  test('is said to be not executed only when the method certainly did not begin', async () => {
    expect(await outcomeOf('pay', invalid)).toMatchObject({ kind: 'failure', notExecuted: true });
    expect(await outcomeOf('fails')).toEqual({ kind: 'failure', message: 'no money' });
    expect(await outcomeOf('failsBehind')).toEqual({ kind: 'failure', message: 'translated: broken' });
    // nothing shows whether the method began
    expect(await outcomeOf('replaced', invalid)).toEqual({ kind: 'failure', message: 'amount must be positive' });
  });

  test.each(['via', 'X-Forwarded-For', 'x-envoy-attempt-count'])(
    'is not said to be not executed behind a proxy, which may repeat calls: %s',
    async (header) => {
      const headers = { [header]: '1' };
      expect(await outcomeOf('pay', invalid, headers)).toEqual({ kind: 'failure', message: 'amount must be positive' });
      const large = { amount: 1, note: 'x'.repeat(2_000_000) };
      expect(await outcomeOf('pay', large, headers)).toEqual({
        kind: 'failure',
        message: 'the payload exceeds the body limit of the application',
      });
      for (const type of ['application/json', 'application/xml']) {
        const answer = await fetch(`${url}/bank/pay?${query()}`, {
          method: 'POST',
          headers: { ...headers, 'content-type': type },
          body: '{bad',
        });
        expect(readHttpOutcome(answer.status, await answer.text())).toEqual({
          kind: 'failure',
          message: expect.any(String) as string,
        });
      }
    },
  );
});

test.each<[string, () => Pick<TransactionRequest, 'protocol' | 'steps'>]>([
  [
    'over gRPC',
    () => ({
      protocol: 'grpc',
      steps: [{ action: `${address}/nestjsdtm.Bank/Pay`, compensate: `${address}/nestjsdtm.Bank/Undo` }],
    }),
  ],
  ['in process', () => ({ steps: [{ action: 'app:///bank/pay', compensate: 'app:///bank/undo' }] })],
])('a payload that is no JSON ends its saga %s', async (_how, request) => {
  const dtm = await start('express');
  await server.submit({ gid: 'g', transType: 'saga', payloads: [Buffer.from('{bad')], ...request() });
  await expect
    .poll(async () => {
      const { transaction, branches } = (await dtm.query('g'))!;
      return [transaction.status, ...branches.map(({ status }) => status)];
    })
    .toEqual(['failed', 'succeed', 'failed']);
  expect(ran).toEqual([]);
});

test('a refusal over gRPC has a trailer, but not behind a proxy', async () => {
  await start('express');
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const trailerOf = (extra: Record<string, string>) =>
    new Promise((resolve) => {
      const metadata = new grpc.Metadata();
      const parameters = { 'dtm-gid': 'g', 'dtm-trans_type': 'saga', 'dtm-branch_id': '01', 'dtm-op': 'action' };
      for (const [name, value] of Object.entries({ ...parameters, ...extra })) metadata.set(name, value);
      const asIs = (bytes: Buffer): Buffer => bytes;
      // the field Json of nestjsdtm.Payload
      const json = Buffer.from('{"amount":0}');
      const message = Buffer.concat([Buffer.from([0x0a, json.length]), json]);
      client.makeUnaryRequest('/nestjsdtm.Bank/Pay', asIs, asIs, message, metadata, (error) =>
        resolve([error?.code, error?.metadata.get('dtm-not_executed')]),
      );
    });
  expect(await trailerOf({})).toEqual([grpc.status.ABORTED, ['true']]);
  expect(await trailerOf({ 'grpc-previous-rpc-attempts': '1' })).toEqual([grpc.status.ABORTED, []]);
  expect(await trailerOf({ 'x-envoy-attempt-count': '1' })).toEqual([grpc.status.ABORTED, []]);
  client.close();
});
