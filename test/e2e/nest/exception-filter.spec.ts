import { fileURLToPath } from 'node:url';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { Controller, Get, Module, Param, UseFilters, type INestApplication } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  GrpcMethod,
  MessagePattern,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import {
  BranchPayload,
  DtmExceptionFilter,
  DtmFailureError,
  DtmModule,
  DtmOngoingError,
  DtmService,
  SagaBranch,
  branchOf,
} from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { createAdapter, platforms } from './platforms.js';

let refusal: Error;

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  pay(@BranchPayload() _amount: number): void {
    throw refusal;
  }
}

@Controller('transfers')
class TransferController {
  constructor(private readonly dtm: DtmService) {}

  @Get(':gid')
  async transfer(@Param('gid') gid: string): Promise<string> {
    return this.dtm.saga({ gid }).add(branchOf(BankController, 'pay'), 30).submit({ waitResult: true });
  }
}

const apps: { close(): Promise<unknown> }[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function start(
  platform: (typeof platforms)[number],
  configure?: (app: INestApplication) => void,
): Promise<string> {
  const location = configure ? undefined : ({ gid }: DtmOngoingError): string => `/transfers/${gid}/state`;
  @Module({
    imports: [DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) })],
    controllers: [BankController, TransferController],
    providers: configure
      ? []
      : [
          {
            provide: APP_FILTER,
            inject: [HttpAdapterHost],
            useFactory: (host: HttpAdapterHost) => new DtmExceptionFilter(host, { location }),
          },
        ],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, createAdapter(platform), { logger: false });
  apps.push(app);
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

describe.each(platforms)('the exception filter on %s', (platform) => {
  test('answers a failure with 409 and the words of the branch', async () => {
    refusal = new DtmFailureError('no money');
    const answer = await fetch(`${await start(platform)}/transfers/g1`);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toEqual({
      statusCode: 409,
      error: 'Conflict',
      message: 'no money',
      code: 'DTM_FAILURE',
      gid: 'g1',
    });
    expect(answer.headers.get('location')).toBeNull();
  });

  test.each([
    ['ongoing', new DtmOngoingError('counting')],
    ['unknown', new Error('password hunter2')],
  ])('answers a transaction that waits for a branch whose outcome is %s with 202 and its place', async (_, thrown) => {
    refusal = thrown;
    const answer = await fetch(`${await start(platform)}/transfers/g1`);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe('/transfers/g1/state');
    expect(await answer.json()).toEqual({
      statusCode: 202,
      message: 'the transaction is not finished yet',
      code: 'DTM_ONGOING',
      gid: 'g1',
      nextAttempt: expect.stringMatching(/^\d{4}-/),
    });
  });

  test('works as a filter of the whole application without options, and answers without a place', async () => {
    refusal = new DtmOngoingError('counting');
    const url = await start(
      platform,
      (app) => void app.useGlobalFilters(new DtmExceptionFilter(app.get(HttpAdapterHost))),
    );
    const answer = await fetch(`${url}/transfers/g1`);
    expect([answer.status, answer.headers.get('location')]).toEqual([202, null]);
  });
});

describe('the exception filter', () => {
  test('gets its dependencies from Nest', async () => {
    @UseFilters(DtmExceptionFilter)
    @Controller('own')
    class OwnController {
      @Get('rolling-back')
      rollingBack(): void {
        throw new DtmOngoingError('transaction g is being rolled back', {
          gid: 'g',
          reason: 'no money',
          isRollingBack: true,
        });
      }
      @Get('own-words')
      ownWords(): void {
        throw new DtmFailureError('the account is closed');
      }
    }
    @Module({ controllers: [OwnController] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const read = async (path: string): Promise<unknown> => (await fetch(`${await app.getUrl()}/own/${path}`)).json();
    expect(await read('rolling-back')).toMatchObject({ statusCode: 202, message: 'no money' });
    expect(await read('own-words')).toMatchObject({ statusCode: 409, message: 'the account is closed' });
  });
});

describe('the exception filter of a microservice', () => {
  @Controller()
  class TransferHandler {
    @GrpcMethod('Bank', 'TransOut')
    transOut(): void {
      throw refusal;
    }
    @MessagePattern('transfer')
    transfer(): void {
      throw refusal;
    }
  }
  const location = ({ gid }: DtmOngoingError): string => `/transfers/${gid}`;
  const filter = {
    provide: APP_FILTER,
    inject: [HttpAdapterHost],
    useFactory: (host: HttpAdapterHost) => new DtmExceptionFilter(host, { location }),
  };
  @Module({ controllers: [TransferHandler], providers: [filter] })
  class AppModule {}

  async function listen(options: MicroserviceOptions): Promise<void> {
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, { ...options, logger: false });
    apps.push(app);
    await app.listen();
  }

  test.each([
    [new DtmFailureError('no money'), { code: status.ABORTED, details: 'no money' }, []],
    [
      new DtmOngoingError('no answer: connect ECONNREFUSED', { gid: 'g1' }),
      { code: status.FAILED_PRECONDITION, details: 'the transaction is not finished yet' },
      ['/transfers/g1'],
    ],
  ])('answers over gRPC with a status: %s', async (thrown, answer, places) => {
    refusal = thrown;
    const [port] = await freePorts(1);
    const url = `127.0.0.1:${port}`;
    const protoPath = fileURLToPath(new URL('bank.proto', import.meta.url));
    await listen({ transport: Transport.GRPC, options: { url, package: 'bank', protoPath } });
    const client = new Client(url, credentials.createInsecure());
    onTestFinished(() => client.close());
    const error = await new Promise<ServiceError | null>((resolve) => {
      const same = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest('/bank.Bank/TransOut', same, same, Buffer.alloc(0), (failure) => resolve(failure));
    });
    expect(error).toMatchObject(answer);
    expect(error!.metadata.get('location')).toEqual(places);
  });

  test('answers over other transports with an object', async () => {
    refusal = new DtmFailureError('no money', { gid: 'g1' });
    const [port] = await freePorts(1);
    const options = { host: '127.0.0.1', port: port! };
    await listen({ transport: Transport.TCP, options });
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    onTestFinished(() => client.close());
    await expect(firstValueFrom(client.send('transfer', {}))).rejects.toMatchObject({
      status: 'error',
      message: 'no money',
      code: 'DTM_FAILURE',
      gid: 'g1',
    });
  });
});
