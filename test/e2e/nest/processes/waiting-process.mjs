// @ts-check
// An application without a socket, in which nothing but the package keeps the process: node waiting-process.mjs WAIT
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmOngoingError, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';

const wait = process.argv[2];
let calls = 0;

class BankController {
  async pay() {
    calls += 1;
    if (wait === 'retry' && calls === 1) throw new DtmOngoingError('not yet');
    if (wait === 'method') await new Promise(() => undefined);
  }
}

const bank = BankController.prototype;
SagaBranch({ compensate: false, requestTimeoutSeconds: 1 })(
  bank,
  'pay',
  /** @type {TypedPropertyDescriptor<any>} */ (Object.getOwnPropertyDescriptor(bank, 'pay')),
);
Controller('bank')(BankController);

// oxlint-disable-next-line typescript/no-extraneous-class -- decorated below
class AppModule {}
const server = embeddedServer({ store: memoryStore(), retryIntervalSeconds: 1, shutdownTimeoutSeconds: 1 });
/** @type {() => Promise<never>} */
const never = () => new Promise(() => undefined);
const options = { server, shutdownTimeoutSeconds: 1, ...(wait === 'headers' && { branchHeaders: never }) };
Module({ imports: [DtmModule.forRoot(options)], controllers: [BankController] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const saga = app.get(DtmService).saga().add(branchOf(BankController, 'pay'), undefined);
const outcome = await saga.submit({ waitResult: true }).then(
  () => 'succeeded',
  (/** @type {Error} */ error) => error.name,
);
await app.close();
console.log(`${outcome}, closed`);
