import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmFailureError, DtmModule, DtmOngoingError, DtmService, type StepUrls } from 'nestjs-dtm';
import { branchUrlOf } from 'nestjs-dtm/driver';
import type { Transfer } from './busi.controller.js';
import { driver } from './driver.js';
import { AMOUNT, BUSI, DTM_SERVER, PROTO } from './settings.js';

@Module({ imports: [DtmModule.forRoot({ server: DTM_SERVER, driver, protos: { protoPath: PROTO } })] })
class InitiatorModule {}

// an initiator without branches needs no server
const app = await NestFactory.createApplicationContext(InitiatorModule);
const dtm = app.get(DtmService);
const out: Transfer = { amount: AMOUNT, userId: 1 };
const into: Transfer = { amount: AMOUNT, userId: 2 };

const gid = await dtm.newGid();
try {
  await dtm.saga({ gid }).add(step('TransOut'), out).add(step('TransIn'), into).submit({ waitResult: true });
  console.log(`saga ${gid} succeed`);
} catch (error) {
  // over gRPC, Go dtm does not distinguish a failed transaction from an unfinished one
  if (!(error instanceof DtmFailureError || error instanceof DtmOngoingError)) throw error;
  console.log(`saga ${gid} has not succeeded: ${error.message}`);
}
await app.close();

/** URLs with the name of the service, which the driver of the coordinator looks up. */
function step(method: string): StepUrls {
  return { action: urlOf(method), compensate: urlOf(`${method}Revert`) };
}

function urlOf(method: string): string {
  if (driver.http?.isNamed(BUSI, 'branch')) return `${BUSI}/${method}`;
  return branchUrlOf(driver, BUSI, `/busi.Busi/${method}`);
}
