import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DtmBranchError, DtmFailureError, DtmModule, DtmOngoingError, DtmService } from 'nestjs-dtm';
import { HAS_XA } from '../bank/bank-database.js';
import type { Transfer } from '../bank/transfer.js';
import { dtmConnection } from '../dtm-connection.js';
import { DTM_SERVER, PROTOCOL } from './addresses.js';
import { SAGA_IN, SAGA_OUT, TCC_IN, TCC_OUT, XA_IN, XA_OUT } from './branches.js';

@Module({ imports: [DtmModule.forRoot({ server: dtmConnection(DTM_SERVER) })] })
class InitiatorModule {}

// an application context without a server, because no service calls the initiator
const app = await NestFactory.createApplicationContext(InitiatorModule);
const dtm = app.get(DtmService);
const transfer: Transfer = { from: 1, to: 2, amount: 30 };

await show('saga', (gid) =>
  dtm.saga({ gid }).add(SAGA_OUT, transfer).add(SAGA_IN, transfer).submit({ waitResult: true }),
);
await show('tcc', (gid) =>
  dtm.tcc(
    async (tcc) => {
      await tcc.call(TCC_OUT, transfer);
      await tcc.call(TCC_IN, transfer);
    },
    { gid, protocol: PROTOCOL, waitResult: true },
  ),
);
if (HAS_XA) {
  await show('xa', (gid) =>
    dtm.xa(
      async (xa) => {
        await xa.call(XA_OUT, transfer);
        await xa.call(XA_IN, transfer);
      },
      { gid, protocol: PROTOCOL, waitResult: true },
    ),
  );
}
const toUnknown: Transfer = { ...transfer, to: 404 };
await show('saga, receiver unknown', (gid) =>
  dtm.saga({ gid }).add(SAGA_OUT, toUnknown).add(SAGA_IN, toUnknown).submit({ waitResult: true }),
);
await app.close();

/** Makes a transfer, and prints how it ended. */
async function show(title: string, run: (gid: string) => Promise<unknown>): Promise<void> {
  const gid = await dtm.newGid();
  try {
    await run(gid);
    console.log(`${title} over ${PROTOCOL}: succeed (${gid})`);
  } catch (error) {
    // when a try or an XA branch does not answer, the transaction is rolled back too
    if (error instanceof DtmFailureError || error instanceof DtmBranchError) {
      console.log(`${title} over ${PROTOCOL}: failed (${gid}): ${error.message}`);
    } else if (error instanceof DtmOngoingError) {
      console.log(`${title} over ${PROTOCOL}: not finished, the coordinator continues (${gid}): ${error.message}`);
    } else throw error;
  }
}
