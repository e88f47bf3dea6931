import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as one from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

const calls: string[] = [];

let other: typeof one;

beforeAll(async () => {
  vi.resetModules();
  other = await import('nestjs-dtm');
});

afterEach(() => void calls.splice(0));

/** A library that loaded the other copy of the package: a controller with branches, and a provider that starts a saga. */
function createLibrary() {
  @Controller('stock')
  class StockController {
    @other.SagaBranch({ compensate: 'release' })
    async reserve(
      @other.BranchPayload() pieces: number,
      @other.Branch() { op }: one.BranchContext,
      @other.Barrier() barrier: one.BranchBarrier,
    ): Promise<void> {
      calls.push(`${op} ${pieces}, barrier ${barrier instanceof other.BranchBarrier}`);
      if (pieces > 10) throw new other.DtmFailureError('not enough in stock');
    }

    release(@other.BranchPayload() pieces: number): void {
      calls.push(`release ${pieces}`);
    }

    @other.TccAction({ confirm: 'confirm', cancel: 'cancel' })
    async take(@other.BranchPayload() pieces: number): Promise<number> {
      calls.push(`try ${pieces}`);
      return pieces * 2;
    }

    confirm(): void {
      calls.push('confirm');
    }

    cancel(): void {
      calls.push('cancel');
    }
  }

  @Injectable()
  class Stock {
    constructor(@Inject(other.DtmService) readonly dtm: one.DtmService) {}
  }

  @Module({ controllers: [StockController], providers: [Stock], exports: [Stock] })
  class StockModule {}

  return { StockController, Stock, StockModule };
}

async function createApp() {
  const library = createLibrary();
  @Module({
    imports: [one.DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) }), library.StockModule],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, ...library };
}

describe('an application whose library loaded another copy of the package', () => {
  test('the copies differ, but not in the classes that Nest injects', () => {
    expect(other.SagaBranch).not.toBe(one.SagaBranch);
    expect(other.DtmService).toBe(one.DtmService);
    expect(other.DtmModule).toBe(one.DtmModule);
    expect(other.DTM_OPTIONS).toBe(one.DTM_OPTIONS);
  });

  test.each(['in-process', 'http'] as const)('runs sagas and TCCs over %s', async (over) => {
    const { app, Stock, StockController } = await createApp();
    try {
      const { dtm } = app.get(Stock);
      expect(dtm).toBe(app.get(one.DtmService));
      const reserve = other.branchOf(StockController, 'reserve', { over });
      await dtm.saga().add(reserve, 1).submit({ waitResult: true });
      expect(calls.splice(0)).toEqual(['action 1, barrier true']);

      const failing = dtm.saga().add(reserve, 2).add(reserve, 99).submit({ waitResult: true });
      await expect(failing).rejects.toThrow(one.DtmFailureError);
      await expect(failing).rejects.toThrow(other.DtmFailureError);
      expect(calls.splice(0)).toEqual(['action 2, barrier true', 'action 99, barrier true', 'release 99', 'release 2']);

      const take = one.branchOf(StockController, 'take', { over });
      const results = await dtm.tcc(async (tcc) => tcc.call(take, 3), { waitResult: true });
      expect(results).toBe(6);
      expect(calls.splice(0)).toEqual(['try 3', 'confirm']);
    } finally {
      await app.close();
    }
  });

  test('refuses a second DtmModule of the other copy as it refuses one of its own', async () => {
    @Module({
      imports: [
        one.DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) }),
        other.DtmModule.forRoot({ server: 'http://127.0.0.1:36789' }),
      ],
    })
    class TwiceModule {}
    const started = NestFactory.create(TwiceModule, { logger: false, abortOnError: false }).then((app) => app.init());
    await expect(started).rejects.toThrow('DtmModule is imported more than once');
  });
});
