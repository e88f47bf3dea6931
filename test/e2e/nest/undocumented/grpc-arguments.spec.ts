import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { Body, Controller, Module, UseGuards, type CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { GrpcMethod, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { expect, test } from 'vitest';
import {
  createTrailers,
  findGrpcArguments,
  replaceGrpcMessage,
  type GrpcMetadata,
} from '../../../../lib/nest/undocumented/grpc-arguments.js';
import { addCallArguments } from '../../../../lib/nest/undocumented/route-arguments.js';
import { freePorts } from '../../../services/free-ports.mjs';

const seen: unknown[] = [];

const replaces: CanActivate = {
  canActivate: (context) => {
    const args = findGrpcArguments(context)!;
    seen.push(args[0], args[1].getMap()['mark'], args[2].getPath());
    replaceGrpcMessage(args, { userId: 2 });
    return true;
  },
};

@Controller()
class BankController {
  @UseGuards(replaces)
  @GrpcMethod('Bank', 'TransOut')
  transOut(@Body() message: unknown, ...more: unknown[]): object {
    seen.push(message, more);
    return {};
  }
}

test('a guard gets the arguments of a gRPC call, and the method what the guard left in them', async () => {
  addCallArguments(BankController, 'transOut');
  @Module({ controllers: [BankController] })
  class AppModule {}
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    transport: Transport.GRPC,
    options: {
      url: address,
      package: 'bank',
      protoPath: fileURLToPath(new URL('../bank.proto', import.meta.url)),
      loader: { longs: Number, defaults: true },
    },
    logger: false,
  });
  await app.listen();

  const metadata = new grpc.Metadata();
  metadata.set('mark', 'mine');
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest('/bank.Bank/TransOut', asIs, asIs, Buffer.from([0x08, 1]), metadata, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  expect(seen).toEqual([
    { userId: 1, amount: 0 },
    'mine',
    '/bank.Bank/TransOut',
    { userId: 2 },
    [null, expect.any(grpc.Metadata)],
  ]);
  client.close();
  await app.close();
});

test('the metadata of a call have the class of trailers', () => {
  const trailers = createTrailers(new grpc.Metadata() as unknown as GrpcMetadata, 'mark', 'mine');
  expect(trailers).toBeInstanceOf(grpc.Metadata);
  expect(trailers.getMap()).toEqual({ mark: 'mine' });
});

test('other calls have no arguments of gRPC', () => {
  const host = new ExecutionContextHost([{ amount: 1 }, {}]);
  expect(findGrpcArguments(host)).toBeUndefined();
  host.setType('rpc');
  expect(findGrpcArguments(host)).toBeUndefined();
});
