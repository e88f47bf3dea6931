import { Module } from '@nestjs/common';
import { DtmModule } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { GRPC_PORT, HOST, HTTP_PORT } from './addresses.js';
import { BankInAccounts } from './bank-in/bank-in.accounts.js';
import { BankInModule } from './bank-in/bank-in.module.js';
import { BankOutAccounts } from './bank-out/bank-out.accounts.js';
import { BankOutModule } from './bank-out/bank-out.module.js';
import { dataFolder } from './data-folder.js';
import { dtmConnection } from './dtm-connection.js';
import { TransferModule } from './transfer/transfer.module.js';

/** A coordinator in another process: http://localhost:36789 or, over gRPC, localhost:36790. @default embedded */
const { DTM_SERVER } = process.env;

@Module({
  imports: [
    DtmModule.forRootAsync({
      imports: [BankOutModule, BankInModule],
      inject: [BankOutAccounts, BankInAccounts],
      useFactory: ({ database: bankOut }: BankOutAccounts, { database: bankIn }: BankInAccounts) => ({
        server: DTM_SERVER
          ? dtmConnection(DTM_SERVER)
          : embeddedServer({ store: sqliteStore({ path: dataFolder('dtm.db') }) }),
        driver: process.env.DTM_DRIVER,
        endpoint: { http: `http://${HOST}:${HTTP_PORT}`, grpc: `${HOST}:${GRPC_PORT}` },
        databases: {
          'bank-out': { barrier: bankOut.barrier, xa: bankOut.xa },
          'bank-in': { barrier: bankIn.barrier, xa: bankIn.xa },
        },
      }),
    }),
    TransferModule,
  ],
})
export class AppModule {}
