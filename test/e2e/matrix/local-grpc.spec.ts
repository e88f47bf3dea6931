import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmService, MsgBranch, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { expect, onTestFinished, test } from 'vitest';
import { RecordingLogger } from '../../support/recording-logger.js';

@Controller('stock')
class StockController {
  @MsgBranch()
  take(): void {}
}

test('an application on the machine of its coordinator needs no endpoint, also over gRPC', async () => {
  const logger = new RecordingLogger();
  const coordinator = embeddedServer({ store: memoryStore(), logger, listen: { port: 0, grpcPort: 0 } });
  onTestFinished(() => coordinator.close());
  await coordinator.open();

  @Module({ imports: [DtmModule.forRoot({ server: coordinator.grpcAddress! })], controllers: [StockController] })
  class TestModule {}

  const app = await NestFactory.create(TestModule, { logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const message = app.get(DtmService).msg();
  expect(() => message.add(branchOf(StockController, 'take'))).not.toThrow();
});
