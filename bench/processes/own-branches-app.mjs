import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BranchPayload, DtmModule, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore, sqliteStore } from 'nestjs-dtm/server';
import { countByStatus, runSagas } from '../support/saga-load.mjs';
import { serve } from '../support/worker.mjs';

/** @import { INestApplication } from '@nestjs/common' */

let calls = 0;

class BankController {
  /** @param {unknown} _payload */
  async transOut(_payload) {
    calls += 1;
  }

  /** @param {unknown} _payload */
  async transIn(_payload) {
    calls += 1;
  }
}

// decorators applied by hand, because this file is not compiled
const bank = BankController.prototype;
for (const name of /** @type {const} */ (['transOut', 'transIn'])) {
  const descriptor = /** @type {TypedPropertyDescriptor<typeof bank.transOut>} */ (
    Object.getOwnPropertyDescriptor(bank, name)
  );
  BranchPayload()(bank, name, 0);
  SagaBranch({ compensate: false })(bank, name, descriptor);
}
Controller('bank')(BankController);

// oxlint-disable-next-line typescript/no-extraneous-class -- the start handler applies @Module
class AppModule {}

/** @typedef {'in-process' | 'http'} Route */

/** @type {INestApplication | undefined} */
let app;

const handlers = {
  /**
   * Starts an application that embeds the coordinator of its own branches.
   *
   * @param {Route} over
   * @param {'express' | 'fastify'} platform
   * @param {string} [path] - SQLite file. @default the store is in memory
   */
  start: async (over, platform, path) => {
    const server = embeddedServer({ store: path === undefined ? memoryStore() : sqliteStore({ path }) });
    Module({ imports: [DtmModule.forRoot({ server, endpoint: { over } })], controllers: [BankController] })(AppModule);
    app = await NestFactory.create(AppModule, platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
      logger: ['error', 'warn'],
    });
    await app.listen(0, '127.0.0.1');
  },
  /**
   * Runs sagas with two branches for some seconds; keeps `inFlight` sagas in flight.
   *
   * @param {number} inFlight
   * @param {number} seconds
   */
  run: async (inFlight, seconds) => {
    const dtm = service();
    const transOut = branchOf(BankController, 'transOut');
    const transIn = branchOf(BankController, 'transIn');
    const payload = { userId: 1, amount: 30 };
    return runSagas(inFlight, seconds, () =>
      dtm.saga().add(transOut, payload).add(transIn, payload).submit({ waitResult: true }),
    );
  },
  /** Number of stored transactions by status. */
  stored: () => countByStatus(service()),
  /** How often a branch ran. */
  calls: () => calls,
  close: () => app?.close(),
};

function service() {
  if (!app) throw new Error('the application was not started');
  return app.get(DtmService);
}

/** @typedef {typeof handlers} OwnBranchesApp */

serve(handlers);
