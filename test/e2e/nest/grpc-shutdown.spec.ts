import * as grpc from '@grpc/grpc-js';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { DtmModule, SagaBranch } from 'nestjs-dtm';
import { dtmGrpcOptions, type DtmGrpcOptions } from 'nestjs-dtm/grpc';
import { delayWhen } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePorts } from '../../services/free-ports.mjs';
import { deferred } from './app.js';
import { recordingServer } from './recording-server.js';

let entered = deferred();
let release = deferred();
let answered = deferred();
const finished: string[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: false })
  async slow(): Promise<void> {
    entered.resolve();
    await release.promise;
    finished.push('slow');
  }
}

beforeEach(() => {
  entered = deferred();
  release = deferred();
  answered = deferred();
  finished.length = 0;
});

describe.each(['hybrid', 'gRPC only'] as const)('shutdown of a %s application', (kind) => {
  let client: grpc.Client;

  afterEach(() => client.close());

  /** Calls the branch the way dtm does. */
  const callSlow = () =>
    new Promise<number>((resolve) => {
      const metadata = new grpc.Metadata();
      const parameters = { gid: 'g', trans_type: 'saga', branch_id: '01', op: 'action', dtm: '' };
      for (const [name, value] of Object.entries(parameters)) metadata.set(`dtm-${name}`, value);
      const asIs = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest('/nestjsdtm.Bank/Slow', asIs, asIs, Buffer.alloc(0), metadata, (error) =>
        resolve(error?.code ?? grpc.status.OK),
      );
    });

  async function start(options: DtmGrpcOptions = {}, shutdownTimeoutSeconds?: number) {
    const [port] = await freePorts(1);
    const url = `127.0.0.1:${port}`;
    client = new grpc.Client(url, grpc.credentials.createInsecure());

    @Module({
      imports: [DtmModule.forRoot({ server: recordingServer(), shutdownTimeoutSeconds })],
      controllers: [BankController],
    })
    class TestModule {}

    const microservice = dtmGrpcOptions([BankController], { ...options, url }) as MicroserviceOptions;
    const behind = { intercept: (_: unknown, next: { handle(): never }) => delayed(next.handle()) };
    if (kind === 'gRPC only') {
      const app = await NestFactory.createMicroservice(TestModule, { ...microservice, logger: false });
      app.useGlobalInterceptors(behind);
      await app.listen();
      return app;
    }
    const app = await NestFactory.create(TestModule, { logger: false });
    app.connectMicroservice(microservice, { inheritAppConfig: true });
    app.useGlobalInterceptors(behind);
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return app;
  }

  test('the answer to a running call is sent', async () => {
    const app = await start();
    const running = callSlow();
    await entered.promise;
    const closing = app.close();
    release.resolve();
    await vi.waitUntil(() => finished.length > 0);
    answered.resolve();
    expect(await running).toBe(grpc.status.OK);
    await closing;
  });

  test('a call that does not end holds up the shutdown only as long as it may', async () => {
    const app = await start({ shutdownTimeoutSeconds: 0 }, 0);
    const running = callSlow();
    await entered.promise;
    await app.close();
    expect(await running).not.toBe(grpc.status.OK);
    release.resolve();
  });
});

function delayed(result: import('rxjs').Observable<unknown>) {
  return result.pipe(delayWhen(() => answered.promise));
}

test('the time must be a number', () => {
  expect(() => dtmGrpcOptions([BankController], { shutdownTimeoutSeconds: -1 })).toThrow(
    /dtmGrpcOptions: shutdownTimeoutSeconds is -1; give a number of seconds, 0 or more/,
  );
});
