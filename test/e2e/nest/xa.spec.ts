import { BadRequestException, Controller, Module, type INestApplication, type PipeTransform } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  BranchPayload,
  DtmFailureError,
  DtmModule,
  DtmService,
  SagaBranch,
  Xa,
  XaBranch,
  branchOf,
  type XaAdapter,
  type XaParticipant,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { LogBook } from './app.js';
import { createAdapter, platforms, type Platform } from './platforms.js';

const log: string[] = [];

/** Records the calls of the database. */
const database: XaAdapter<string> = {
  async prepare({ branchId }, work, register) {
    const result = await work(`connection of ${branchId}`);
    await register();
    log.push(`prepared ${branchId}`);
    return result;
  },
  commit: async ({ branchId }) => void log.push(`committed ${branchId}`),
  rollback: async ({ branchId }) => void log.push(`rolled back ${branchId}`),
  listInDoubt: () => Promise.resolve([]),
  createTable: () => Promise.resolve(),
};

/** Like ValidationPipe: rejects a call without a payload. */
const needsPayload: PipeTransform = {
  transform(value: unknown, { type }) {
    if (type === 'body' && typeof value !== 'object') throw new BadRequestException('no payload');
    return value;
  },
};

interface Transfer {
  readonly amount: number;
}

@Controller('bank')
class BankController {
  @XaBranch()
  async transOut(@BranchPayload() { amount }: Transfer, @Xa() xa: XaParticipant<string>) {
    const on = await xa.call((connection) => Promise.resolve(connection));
    return { amount, on };
  }

  @XaBranch()
  async refuse(@BranchPayload() _transfer: Transfer, @Xa() xa: XaParticipant<string>) {
    await xa.call(() => Promise.reject(new DtmFailureError('no money')));
  }

  @XaBranch()
  forget(@BranchPayload() transfer: Transfer) {
    return transfer;
  }
}

const rows: [Platform, 'http' | 'grpc'][] = [
  ...platforms.map((platform): [Platform, 'http'] => [platform, 'http']),
  ['express', 'grpc'],
];

describe.each(rows)('XA branches on %s over %s', (platform, over) => {
  let app: INestApplication;
  let dtm: DtmService;
  let logs: LogBook;

  beforeEach(async () => {
    log.length = 0;
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const server = embeddedServer({ store: memoryStore() });

    @Module({
      imports: [DtmModule.forRoot({ server, endpoint: { grpc: address }, databases: { default: { xa: database } } })],
      controllers: [BankController],
    })
    class TestModule {}

    logs = new LogBook();
    app = await NestFactory.create(TestModule, createAdapter(platform), { logger: logs });
    app.useGlobalPipes(needsPayload);
    app.connectMicroservice(dtmGrpcOptions([BankController], { url: address }) as MicroserviceOptions, {
      inheritAppConfig: true,
    });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    dtm = app.get(DtmService);
  });

  afterEach(() => app.close());

  const transfer: Transfer = { amount: 30 };
  const options = { protocol: over, waitResult: true };

  test('return results in phase 1 and are committed without the method and its pipes', async () => {
    const results = await dtm.xa(
      async (xa) => [
        await xa.call(branchOf(BankController, 'transOut', { over }), transfer),
        await xa.call(branchOf(BankController, 'transOut', { over }), transfer),
      ],
      options,
    );
    expect(results).toEqual([
      { amount: 30, on: 'connection of 01' },
      { amount: 30, on: 'connection of 02' },
    ]);
    expect(log.slice(0, 2)).toEqual(['prepared 01', 'prepared 02']);
    expect(log.slice(2).toSorted()).toEqual(['committed 01', 'committed 02']);
  });

  test('are rolled back when another branch fails', async () => {
    const work = dtm.xa(async (xa) => {
      await xa.call(branchOf(BankController, 'transOut', { over }), transfer);
      await xa.call(branchOf(BankController, 'refuse', { over }), transfer);
    }, options);
    await expect(work).rejects.toThrow(DtmFailureError);
    await expect.poll(() => log).toEqual(['prepared 01', 'rolled back 01']);
  });

  test('fail when the method ends without xa.call()', async () => {
    const work = dtm.xa((xa) => xa.call(branchOf(BankController, 'forget', { over }), transfer), options);
    await expect(work).rejects.toThrow(/internal error [\da-f]{12}; the log has its text/);
    expect(logs.of('DtmBranch').join()).toMatch(/BankController\.forget ended without a call of xa\.call\(\)/);
    expect(log).toEqual([]);
  });
});

describe('rejected', () => {
  const bootstrap = async (controller: new () => object, databases: Record<string, { xa: XaAdapter<string> }>) => {
    @Module({ imports: [DtmModule.forRoot({ server: 'http://dtm:36789', databases })], controllers: [controller] })
    class TestModule {}

    const app = await NestFactory.create(TestModule, { logger: false, abortOnError: false });
    return app.init().then(
      () => app.close(),
      async (error: unknown) => {
        await app.close();
        throw error;
      },
    );
  };

  test('a database without XA, at bootstrap', async () => {
    @Controller()
    class OrdersController {
      @XaBranch({ database: 'orders' })
      async pay(@Xa() xa: XaParticipant<string>) {
        await xa.call(() => Promise.resolve());
      }
    }
    await expect(bootstrap(OrdersController, { default: { xa: database } })).rejects.toThrow(
      /OrdersController\.pay needs XA in the database "orders"/,
    );
    await bootstrap(OrdersController, { orders: { xa: database } });
  });

  test('@Xa() on another branch, when it is called', async () => {
    @Controller('orders')
    class OrdersController {
      @SagaBranch({ compensate: false })
      pay(@BranchPayload() _order: unknown, @Xa() _xa: XaParticipant<string>): void {}
    }

    @Module({
      imports: [DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) })],
      controllers: [OrdersController],
    })
    class TestModule {}

    const logs = new LogBook();
    const app = await NestFactory.create(TestModule, { logger: logs });
    await app.listen(0, '127.0.0.1');
    const query = 'gid=g&trans_type=saga&branch_id=01&op=action';
    const answer = await fetch(`${await app.getUrl()}/orders/pay?${query}`);
    expect(answer.status).toBe(500);
    expect(logs.of('DtmBranch').join()).toMatch(/OrdersController\.pay uses @Xa\(\) but is no XA branch/);
    await app.close();
  });
});
