import {
  Controller,
  Module,
  StandardSchemaValidationPipe,
  ValidationPipe,
  type INestApplication,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { type } from 'arktype';
import {
  BranchPayload,
  DtmModule,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchRef,
  type PayloadOf,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { readHttpOutcome } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freePorts } from '../../services/free-ports.mjs';
import { LogBook, callBranch } from './app.js';
import { createAdapter, platforms, type Platform } from './platforms.js';

interface Input {
  readonly amount: number;
  readonly card: string;
  readonly day: string;
}

const ran: unknown[] = [];

const ZodPayment = z.object({
  amount: z.number().positive(),
  card: z.string().regex(/^\d{4}$/),
  day: z.iso.date().transform((text) => new Date(text)),
});

@Controller('zod')
class ZodController {
  @SagaBranch({ compensate: 'undo' })
  pay(@BranchPayload({ schema: ZodPayment }) payment: PayloadOf<typeof ZodPayment>): void {
    ran.push(payment);
  }
  undo(@BranchPayload({ schema: ZodPayment }) _payment: PayloadOf<typeof ZodPayment>): void {
    ran.push('undo');
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  hold(@BranchPayload({ schema: ZodPayment }) payment: PayloadOf<typeof ZodPayment>): number {
    ran.push(payment);
    return payment.day.getUTCFullYear();
  }
  confirm(): void {}
  cancel(@BranchPayload({ schema: ZodPayment }) _payment: PayloadOf<typeof ZodPayment>): void {
    ran.push('cancel');
  }
}

const ValibotPayment = v.object({
  amount: v.pipe(v.number(), v.minValue(1)),
  card: v.pipe(v.string(), v.regex(/^\d{4}$/)),
  day: v.pipe(
    v.string(),
    v.isoDate(),
    v.transform((text) => new Date(text)),
  ),
});

@Controller('valibot')
class ValibotController {
  @SagaBranch({ compensate: 'undo' })
  pay(@BranchPayload({ schema: ValibotPayment }) payment: PayloadOf<typeof ValibotPayment>): void {
    ran.push(payment);
  }
  undo(@BranchPayload({ schema: ValibotPayment }) _payment: PayloadOf<typeof ValibotPayment>): void {
    ran.push('undo');
  }
}

const ArkPayment = type({ amount: 'number > 0', card: /^\d{4}$/, day: 'string.date.iso.parse' });

@Controller('arktype')
class ArkController {
  @SagaBranch({ compensate: 'undo' })
  pay(@BranchPayload({ schema: ArkPayment }) payment: PayloadOf<typeof ArkPayment>): void {
    ran.push(payment);
  }
  undo(@BranchPayload({ schema: ArkPayment }) _payment: PayloadOf<typeof ArkPayment>): void {
    ran.push('undo');
  }
}

let isDatabaseDown = false;
let lookups = 0;

const AsyncPayment = z.object({
  card: z.string().refine(
    async (card) => {
      lookups++;
      await Promise.resolve();
      if (isDatabaseDown) throw new Error('the database is down');
      return card !== 'blocked';
    },
    { error: ({ input }) => `${String(input)} cannot be used` },
  ),
});

@Controller('other')
class OtherController {
  @SagaBranch({ compensate: false })
  pay(@BranchPayload({ schema: AsyncPayment }) payment: z.output<typeof AsyncPayment>): void {
    ran.push(payment);
  }

  @SagaBranch({ compensate: false })
  maybe(@BranchPayload({ schema: v.optional(v.number(), 7) }) count: number): void {
    ran.push(count);
  }

  @MsgBranch()
  take(@BranchPayload({ schema: ZodPayment }) payment: PayloadOf<typeof ZodPayment>): void {
    ran.push(payment);
  }
}

const controllers = [ZodController, ValibotController, ArkController, OtherController];

let app: INestApplication;
let logs: LogBook;

async function start(platform: Platform, pipe?: PipeTransform): Promise<DtmService> {
  ran.length = 0;
  isDatabaseDown = false;
  lookups = 0;
  logs = new LogBook();
  const [port] = await freePorts(1);
  const url = `127.0.0.1:${port}`;

  @Module({
    imports: [DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }), endpoint: { grpc: url } })],
    controllers,
  })
  class TestModule {}

  app = await NestFactory.create(TestModule, createAdapter(platform), { logger: logs, forceCloseConnections: true });
  if (pipe) app.useGlobalPipes(pipe);
  app.connectMicroservice(dtmGrpcOptions(controllers, { url }) as MicroserviceOptions, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app.get(DtmService);
}

afterEach(() => app.close());

const valid: Input = { amount: 5, card: '1234', day: '2026-02-01' };
const received = { amount: 5, card: '1234', day: new Date('2026-02-01') };
const secret = 'card-of-bob-4929';

type Over = 'http' | 'grpc' | 'in-process';

const libraries: [string, (over: Over) => BranchRef<Input>][] = [
  ['Zod', (over) => branchOf(ZodController, 'pay', { over })],
  ['Valibot', (over) => branchOf(ValibotController, 'pay', { over })],
  ['ArkType', (over) => branchOf(ArkController, 'pay', { over })],
];

const rows: [Platform, Over][] = [
  ...platforms.map((platform): [Platform, Over] => [platform, 'http']),
  ['express', 'grpc'],
  ['express', 'in-process'],
];

describe.each(rows)('a schema on %s over %s', (platform, over) => {
  let dtm: DtmService;

  beforeEach(async () => {
    dtm = await start(platform);
  });

  test.each(libraries)('of %s checks and converts the payload', async (_library, branch) => {
    await dtm.saga().add(branch(over), valid).submit({ waitResult: true });
    expect(ran).toEqual([received]);
  });

  test.each(libraries)('of %s refuses a payload as a pipe does', async (_library, branch) => {
    const gid = await dtm
      .saga()
      .add(branch(over), valid)
      .add(branch(over), { ...valid, card: secret })
      .submit();
    await expect
      .poll(async () => {
        const { transaction, branches } = (await dtm.query(gid))!;
        return [transaction.status, ...branches.map(({ op, status }) => `${op} ${status}`)].join(', ');
      })
      .toBe('failed, compensate succeed, action succeed, compensate succeed, action failed');
    const { rollbackReason } = (await dtm.query(gid))!.transaction;
    expect(rollbackReason).toContain('card');
    expect(rollbackReason).not.toContain(secret);
    expect(logs.lines.join('\n')).not.toContain(secret);
    expect(ran).toEqual([received, 'undo']);
  });

  test('ends a TCC, although the cancel has the schema, too', async () => {
    const options = { protocol: over === 'grpc' ? 'grpc' : 'http' } as const;
    const hold = branchOf(ZodController, 'hold', { over });
    expect(await dtm.tcc((tcc) => tcc.call(hold, valid), options)).toBe(2026);
    const refused = dtm.tcc((tcc) => tcc.call(hold, { ...valid, amount: 0 }), options);
    await expect(refused).rejects.toMatchObject({
      code: 'DTM_FAILURE',
      message: 'amount: Too small: expected number to be >0',
    });
    expect(ran).toEqual([received]);
  });
});

describe.each(platforms)('a refusal on %s', (platform) => {
  test('has the status of a failure, and says that the method did not begin', async () => {
    await start(platform);
    const { status, body } = await callBranch(`${await app.getUrl()}/zod/pay`, {
      payload: { amount: 'much', card: secret },
    });
    expect(status).toBe(409);
    expect(readHttpOutcome(status, body)).toEqual({
      kind: 'failure',
      message:
        'amount: Invalid input: expected number, received string; card: Invalid string: must match pattern /^\\d{4}$/; ' +
        'day: Invalid input: expected string, received undefined',
      notExecuted: true,
    });
  });
});

describe('a schema', () => {
  const call = async (path: string, payload?: unknown) => {
    const { status, body } = await callBranch(`${await app.getUrl()}/other/${path}`, { payload });
    return [status, readHttpOutcome(status, body)] as const;
  };

  test('may be asynchronous', async () => {
    await start('express');
    expect((await call('pay', { card: '1234' }))[0]).toBe(200);
    expect(lookups).toBe(1);
    const [status, outcome] = await call('pay', { card: 'blocked' });
    expect([status, outcome]).toEqual([409, { kind: 'failure', message: 'card: … cannot be used', notExecuted: true }]);
    expect(ran).toEqual([{ card: '1234' }]);
  });

  test('that throws leaves the outcome unknown, so dtm calls again', async () => {
    await start('express');
    isDatabaseDown = true;
    expect((await call('pay', { card: '1234' }))[0]).toBe(500);
    expect(logs.of('DtmBranch').join()).toContain('the database is down');
  });

  test('decides about a call without a payload', async () => {
    await start('express');
    expect((await call('maybe'))[0]).toBe(200);
    expect((await call('pay'))[0]).toBe(409);
    expect(ran).toEqual([7]);
  });

  test('takes the payload of a message', async () => {
    const dtm = await start('express');
    await dtm.msg().add(branchOf(OtherController, 'take'), valid).submit({ waitResult: true });
    expect(ran).toEqual([received]);
  });
});

const packages = {
  transformerPackage: { plainToInstance: (kind: Type, plain: object) => Object.assign(new kind() as object, plain) },
  validatorPackage: { validate: () => Promise.resolve([]), validateSync: () => [] },
};

const pipes: [string, PipeTransform][] = [
  ['StandardSchemaValidationPipe', new StandardSchemaValidationPipe({ validateCustomDecorators: true })],
  ['ValidationPipe', new ValidationPipe({ ...packages, transform: true, whitelist: true } as never)],
];

test.each(pipes)('a schema converts once beside an application-wide %s', async (_name, pipe) => {
  const dtm = await start('express', pipe);
  for (const over of ['http', 'grpc', 'in-process'] as const) {
    await dtm
      .saga()
      .add(branchOf(ZodController, 'pay', { over }), valid)
      .submit({ waitResult: true });
  }
  expect(ran).toEqual([received, received, received]);
});
