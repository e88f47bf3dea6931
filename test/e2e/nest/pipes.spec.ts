import { Controller, Module, ValidationPipe, type INestApplication, type PipeTransform } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Barrier,
  Branch,
  BranchBarrier,
  BranchPayload,
  DtmModule,
  DtmService,
  SagaBranch,
  TccAction,
  Xa,
  XaBranch,
  branchOf,
  type BranchContext,
  type XaParticipant,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { LogBook } from './app.js';
import { createAdapter, platforms, type Platform } from './platforms.js';
import { xaWithoutDatabase } from './xa-without-database.js';

class Transfer {
  readonly amount!: number;
}

const seen: unknown[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  pay(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext, @Barrier() barrier: BranchBarrier) {
    seen.push([
      'pay',
      transfer,
      context.branchId,
      barrier instanceof BranchBarrier,
      barrier.context.gid === context.gid,
    ]);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  hold(@BranchPayload() transfer: Transfer, @Barrier() barrier: BranchBarrier) {
    seen.push(['hold', transfer, barrier instanceof BranchBarrier]);
  }
  confirm(@Barrier() barrier: BranchBarrier) {
    seen.push(['confirm', barrier instanceof BranchBarrier]);
  }
  cancel(): void {}

  @XaBranch()
  async move(@BranchPayload() transfer: Transfer, @Xa() xa: XaParticipant<string>) {
    seen.push(['move', transfer, await xa.call((connection) => Promise.resolve(connection))]);
  }
}

/** Do what class-transformer and class-validator do with a class without rules. */
const packages = {
  transformerPackage: {
    plainToInstance: (type: new () => object, plain: object) => Object.assign(new type(), plain),
    classToPlain: (value: object) => ({ ...value }),
  },
  validatorPackage: { validate: () => Promise.resolve([]), validateSync: () => [] },
};

const validates = (options: object) => new ValidationPipe({ ...packages, ...options } as never);

const own = { amount: 0 };

/** Copies and changes every object, as pipes do that trim all texts. */
const copies: PipeTransform = {
  transform: (value: unknown, { metatype }) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    Object.assign(value, own);
    return Object.assign(Object.create((metatype?.prototype ?? null) as object | null) as object, value);
  },
};

const pipes: [string, PipeTransform, unknown][] = [
  ['validates', validates({ validateCustomDecorators: true, whitelist: true }), { amount: 5 }],
  [
    'validates and transforms',
    validates({ validateCustomDecorators: true, transform: true, whitelist: true }),
    Object.assign(new Transfer(), { amount: 5 }),
  ],
  ['copies', copies, Object.assign(new Transfer(), own)],
];

type Over = 'http' | 'grpc' | 'in-process';

const rows: [Platform, Over][] = [
  ...platforms.map((platform): [Platform, Over] => [platform, 'http']),
  ['express', 'grpc'],
  ['express', 'in-process'],
];

describe.each(rows)('a pipe of the application on %s over %s', (platform, over) => {
  let app: INestApplication;

  async function start(pipe: PipeTransform): Promise<DtmService> {
    const [port] = await freePorts(1);
    const url = `127.0.0.1:${port}`;
    const server = embeddedServer({ store: memoryStore() });

    @Module({
      imports: [
        DtmModule.forRoot({ server, endpoint: { grpc: url }, databases: { default: { xa: xaWithoutDatabase } } }),
      ],
      controllers: [BankController],
    })
    class TestModule {}

    app = await NestFactory.create(TestModule, createAdapter(platform), {
      logger: new LogBook(),
      forceCloseConnections: true,
      abortOnError: false,
    });
    app.useGlobalPipes(pipe);
    app.connectMicroservice(dtmGrpcOptions([BankController], { url }) as MicroserviceOptions, {
      inheritAppConfig: true,
    });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return app.get(DtmService);
  }

  beforeEach(() => void seen.splice(0));
  afterEach(() => app.close());

  test.each(pipes)('that %s gets the payload, and nothing else of a branch', async (_what, pipe, transfer) => {
    const dtm = await start(pipe);
    const payload = { amount: 5 };
    const options = { protocol: over === 'grpc' ? 'grpc' : 'http', waitResult: true } as const;
    await dtm
      .saga()
      .add(branchOf(BankController, 'pay', { over }), payload)
      .submit({ waitResult: true });
    await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'hold', { over }), payload), options);
    if (over !== 'in-process')
      await dtm.xa((xa) => xa.call(branchOf(BankController, 'move', { over }), payload), options);
    expect(seen).toEqual([
      ['pay', transfer, '01', true, true],
      ['hold', transfer, true],
      ['confirm', true],
      ...(over === 'in-process' ? [] : [['move', transfer, 'connection']]),
    ]);
  });
});

test('a pipe that replaces everything is named', async () => {
  const logs = new LogBook();
  const server = embeddedServer({ store: memoryStore() });

  @Module({
    imports: [DtmModule.forRoot({ server, databases: { default: { xa: xaWithoutDatabase } } })],
    controllers: [BankController],
  })
  class TestModule {}

  const app = await NestFactory.create(TestModule, createAdapter('express'), { logger: logs });
  app.useGlobalPipes({ transform: () => ({ replaced: true }) });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/bank/confirm?gid=g&trans_type=tcc&branch_id=01&op=confirm`;
  expect((await fetch(url)).status).toBe(500);
  expect(logs.of('DtmBranch').join()).toContain(
    'a pipe has replaced what @Barrier() injects; let the pipe return values of the type "custom" unchanged',
  );
  await app.close();
});
