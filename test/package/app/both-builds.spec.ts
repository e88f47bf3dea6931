import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmModule, DtmService, SagaBranch, branchOf } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { StockController } from './stock.module.js';

// run with --experimental-vm-modules: Jest then imports the ES modules, and requires the CommonJS build; from Node 24 on, Jest can
// require the ES modules
const hasTwoBuilds = Number.parseInt(process.versions.node) < 24;

it('an application on the ES modules uses controllers and injections of a library on the CommonJS build', async () => {
  const esm = await import('nestjs-dtm');
  if (hasTwoBuilds) expect(esm.SagaBranch).not.toBe(SagaBranch);
  expect(esm.DtmService).toBe(DtmService);
  expect(esm.DtmModule).toBe(DtmModule);

  @Module({
    imports: [esm.DtmModule.forRoot({ server: embeddedServer({ store: memoryStore() }) })],
    controllers: [StockController],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const reserve = branchOf(StockController, 'reserve');
  await app.get(DtmService).saga().add(reserve, { pieces: 1 }).submit({ waitResult: true });
  const failing = app.get(DtmService).saga().add(reserve, { pieces: 99 }).submit({ waitResult: true });
  await expect(failing).rejects.toBeInstanceOf(esm.DtmFailureError);
  expect(app.get(StockController).calls).toEqual(['reserve 1', 'reserve 99', 'release 99']);
  await app.close();
});
