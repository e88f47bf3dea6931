import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { DtmFailureError, DtmService, branchOf } from 'nestjs-dtm';
import { StockController, StockModule } from './stock.module.js';

async function main(): Promise<void> {
  const app = await NestFactory.create(StockModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const stock = app.get(StockController);

  for (const over of ['in-process', 'http'] as const) {
    const reserve = branchOf(StockController, 'reserve', { over });
    stock.calls = [];
    await app.get(DtmService).saga().add(reserve, { pieces: 1 }).submit({ waitResult: true });
    console.log(`saga ${over} succeeded: ${stock.calls.join(', ')}`);

    stock.calls = [];
    const failing = app.get(DtmService).saga().add(reserve, { pieces: 2 }).add(reserve, { pieces: 99 });
    const error: unknown = await failing.submit({ waitResult: true }).catch((reason: unknown) => reason);
    if (!(error instanceof DtmFailureError)) throw new Error('the saga should have failed', { cause: error });
    console.log(`saga ${over} rolled back: ${stock.calls.join(', ')}`);
  }

  await app.close();
}

void main();
