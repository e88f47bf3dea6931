// @ts-check
// An application with an embedded coordinator in its own process, which tests kill: node bank-process.mjs OPTIONS
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { postgresStore } from 'nestjs-dtm/server/store/postgres';

/**
 * @typedef {object} Options
 * @property {string} [name] - of the application
 * @property {string} [path] - SQLite file
 * @property {object} [postgres] - options of the store on PostgreSQL
 * @property {boolean} [hangs] - the second branch never ends
 */

/** @type {Options} */
const { name, path, postgres, hangs } = JSON.parse(process.argv[2] ?? '{}');

class BankController {
  transOut() {
    process.send?.('transOut');
  }

  async transIn() {
    process.send?.('transIn');
    if (hangs) await new Promise(() => undefined);
  }
}

const bank = BankController.prototype;
for (const method of /** @type {const} */ (['transOut', 'transIn'])) {
  const descriptor = /** @type {TypedPropertyDescriptor<any>} */ (Object.getOwnPropertyDescriptor(bank, method));
  SagaBranch({ compensate: false })(bank, method, descriptor);
}
Controller('bank')(BankController);

// oxlint-disable-next-line typescript/no-extraneous-class -- decorated below
class AppModule {}
const store = postgres ? postgresStore(postgres) : sqliteStore({ path });
const server = embeddedServer({ store, pollIntervalSeconds: 0.05 });
Module({ imports: [DtmModule.forRoot({ name, server })], controllers: [BankController] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
// another port for each process
await app.listen(0, '127.0.0.1');
process.on('message', async (gid) => {
  const dtm = app.get(DtmService);
  const saga = dtm.saga({ gid: String(gid) });
  await saga
    .add(branchOf(BankController, 'transOut'), undefined)
    .add(branchOf(BankController, 'transIn'), undefined)
    .submit();
});
process.send?.('ready');
