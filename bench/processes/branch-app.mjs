import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BranchPayload, DtmModule, SagaBranch } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { cpuSeconds, serve } from '../support/worker.mjs';

/** @import { INestApplication } from '@nestjs/common' */

let calls = 0;

/** A handler without this package. */
class PlainController {
  /** @param {unknown} _payload */
  async noop(_payload) {
    calls += 1;
    return { dtm_result: 'SUCCESS' };
  }
}

class BranchController {
  /** @param {unknown} _payload */
  async noop(_payload) {
    calls += 1;
  }
}

// oxlint-disable-next-line typescript/no-extraneous-class -- the start handler applies @Module
class AppModule {}

// decorators applied by hand, because this file is not compiled
const plain = PlainController.prototype;
Body()(plain, 'noop', 0);
Post('noop')(plain, 'noop', descriptorOf(plain));
HttpCode(200)(plain, 'noop', descriptorOf(plain));
Controller('bench')(PlainController);

const branch = BranchController.prototype;
BranchPayload()(branch, 'noop', 0);
SagaBranch({ compensate: false })(branch, 'noop', descriptorOf(branch));
Controller('bench')(BranchController);

/** @typedef {'plain' | 'branch'} Kind */

/** @type {Record<Kind, new () => object>} */
const controllers = { plain: PlainController, branch: BranchController };

/**
 * @template {{ noop: unknown }} P
 * @param {P} prototype
 */
function descriptorOf(prototype) {
  return /** @type {TypedPropertyDescriptor<P['noop']>} */ (Object.getOwnPropertyDescriptor(prototype, 'noop'));
}

/** @type {INestApplication | undefined} */
let app;

const handlers = {
  /**
   * Starts an application with one handler; only the branch application imports `DtmModule`.
   *
   * @param {Kind} kind
   * @param {'express' | 'fastify'} platform
   * @returns {Promise<string>} URL of the handler
   */
  start: async (kind, platform) => {
    const imports = kind === 'branch' ? [DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) })] : [];
    Module({ imports, controllers: [controllers[kind]] })(AppModule);
    app =
      platform === 'fastify'
        ? await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false })
        : await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    return `http://127.0.0.1:${app.getHttpServer().address().port}/bench/noop`;
  },
  calls: () => calls,
  cpuSeconds,
  close: () => app?.close(),
};

/** @typedef {typeof handlers} BranchApp */

serve(handlers);
