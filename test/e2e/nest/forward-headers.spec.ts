import {
  Controller,
  Module,
  Post,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  DtmModule,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  isDtmBranch,
  type BranchRoute,
  type DtmModuleOptions,
} from 'nestjs-dtm';
import { dtmGrpcOptions } from 'nestjs-dtm/grpc';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import type { AddressInfo } from 'node:net';
import type { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { closeApps, send, startApp } from './app.js';
import { createAdapter, platforms, type Platform } from './platforms.js';

const NAMES = ['x-request-id', 'traceparent', 'x-secret', 'x-own'];
const seen: string[] = [];

/** Notes the headers or the metadata of each branch call. */
class NotingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (isDtmBranch(context)) {
      const headers =
        context.getType() === 'http'
          ? context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>().headers
          : context.getArgByIndex<{ getMap(): Record<string, unknown> }>(1).getMap();
      const values = NAMES.flatMap((name) => (headers[name] === undefined ? [] : `${name}=${String(headers[name])}`));
      seen.push([context.getHandler().name, ...values].join(' '));
    }
    return next.handle();
  }
}

@Controller('bank')
@UseInterceptors(NotingInterceptor)
class BankController {
  constructor(private readonly dtm: DtmService) {}

  @Post('saga')
  saga(): Promise<string> {
    return this.dtm.saga().add(branchOf(BankController, 'out')).submit({ waitResult: true });
  }

  @Post('own')
  own(): Promise<string> {
    const branchHeaders = { 'X-Request-Id': 'own', 'x-own': '1' };
    return this.dtm.saga({ branchHeaders }).add(branchOf(BankController, 'out')).submit({ waitResult: true });
  }

  @Post('tcc')
  async tcc(): Promise<void> {
    await this.dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze')), { waitResult: true });
  }

  @Post('chain')
  chain(): Promise<string> {
    return this.dtm.saga().add(branchOf(BankController, 'first')).submit({ waitResult: true });
  }

  @SagaBranch({ compensate: false })
  out(): void {}

  /** Starts a transaction of its own. */
  @SagaBranch({ compensate: false })
  async first(): Promise<void> {
    await this.dtm.msg().add(branchOf(BankController, 'second')).submit({ waitResult: true });
  }

  @MsgBranch()
  second(): void {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(): void {}
  confirm(): void {}
  cancel(): void {}
}

/** Starts a bank; returns its URL and its service. */
async function startBank(
  over: BranchRoute,
  options: Partial<DtmModuleOptions> = {},
  platform: Platform = 'express',
): Promise<{ url: string; dtm: DtmService; close: () => Promise<void> }> {
  const [port = 0] = await freePorts(1);
  const grpc = `127.0.0.1:${port}`;
  const server = embeddedServer({ store: memoryStore() });
  @Module({
    imports: [DtmModule.forRoot({ server, endpoint: { over, grpc }, ...options })],
    controllers: [BankController],
  })
  class BankModule {}
  const app = await NestFactory.create(BankModule, createAdapter(platform), { logger: false });
  app.connectMicroservice<MicroserviceOptions>(dtmGrpcOptions([BankController], { url: grpc }), {
    inheritAppConfig: true,
  });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port: http } = app.getHttpServer().address() as AddressInfo;
  return { url: `http://127.0.0.1:${http}/bank`, dtm: app.get(DtmService), close: () => app.close() };
}

const post = (url: string, headers: Record<string, string>) => send(url, { payload: {}, headers });
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const forwardHeaders = ['X-Request-Id', 'traceparent'];

beforeEach(() => {
  seen.length = 0;
});
afterEach(closeApps);

describe.each(['in-process', 'http', 'grpc'] as const)('forwardHeaders, with branches %s', (over) => {
  test('passes the headers of a request on to the branches of its transactions, and no others', async () => {
    const { url, close } = await startBank(over, { forwardHeaders });
    await post(`${url}/saga`, { 'x-request-id': 'r1', traceparent: trace, 'x-secret': 's' });
    await post(`${url}/tcc`, { 'X-REQUEST-ID': 'r2' });
    await post(`${url}/saga`, { 'x-secret': 's' });
    expect(seen).toEqual([
      `out x-request-id=r1 traceparent=${trace}`,
      'freeze x-request-id=r2',
      'confirm x-request-id=r2',
      'out',
    ]);
    await close();
  });

  test('passes them on through a branch that starts a transaction', async () => {
    const { url, close } = await startBank(over, { forwardHeaders });
    await post(`${url}/chain`, { 'x-request-id': 'r1' });
    expect(seen).toEqual(['first x-request-id=r1', 'second x-request-id=r1']);
    await close();
  });

  test('yields to the headers of a transaction', async () => {
    const { url, close } = await startBank(over, { forwardHeaders });
    await post(`${url}/own`, { 'x-request-id': 'r1', traceparent: trace });
    expect(seen).toEqual([`out x-request-id=own traceparent=${trace} x-own=1`]);
    await close();
  });

  test('keeps concurrent requests apart, and says nothing outside of a request', async () => {
    const { url, dtm, close } = await startBank(over, { forwardHeaders });
    await Promise.all(['a', 'b', 'c'].map((id) => post(`${url}/saga`, { 'x-request-id': id })));
    expect(seen.toSorted()).toEqual(['out x-request-id=a', 'out x-request-id=b', 'out x-request-id=c']);
    await dtm.saga().add(branchOf(BankController, 'out')).submit({ waitResult: true });
    expect(seen.at(-1)).toBe('out');
    await close();
  });
});

test('without forwardHeaders nothing is passed on', async () => {
  const { url, close } = await startBank('in-process');
  await post(`${url}/saga`, { 'x-request-id': 'r1', traceparent: trace });
  expect(seen).toEqual(['out']);
  await close();
});

test.each(platforms)('headers that are too long are not passed on, on %s', async (platform) => {
  const { url, close } = await startBank('in-process', { forwardHeaders }, platform);
  await post(`${url}/saga`, { 'x-request-id': 'x'.repeat(1025), traceparent: trace });
  await post(`${url}/saga`, { 'x-request-id': 'x'.repeat(1024) });
  expect(seen).toEqual([`out traceparent=${trace}`, `out x-request-id=${'x'.repeat(1024)}`]);
  await close();
});

test('a coordinator in another process gets them with the transaction', async () => {
  const endpoint = { http: 'http://127.0.0.1:1' };
  const { server, url } = await startApp({ controllers: [BankController], dtm: { forwardHeaders, endpoint } });
  await post(`${url}/bank/saga`, { 'x-request-id': 'r1', 'x-secret': 's' });
  await post(`${url}/bank/saga`, {});
  expect(server.submitted.map(({ branchHeaders }) => branchHeaders)).toEqual([{ 'x-request-id': 'r1' }, undefined]);
});
