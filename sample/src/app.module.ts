import { Module } from '@nestjs/common';
import { DtmModule } from 'nestjs-dtm';
import { BankInAccounts } from './bank-in/bank-in.accounts.js';
import { BankInModule } from './bank-in/bank-in.module.js';
import { BankOutAccounts } from './bank-out/bank-out.accounts.js';
import { BankOutModule } from './bank-out/bank-out.module.js';
import { coordinator, endpoint } from './coordinator.js';
import { TransferModule } from './transfer/transfer.module.js';

@Module({
  imports: [
    DtmModule.forRootAsync({
      imports: [BankOutModule, BankInModule],
      inject: [BankOutAccounts, BankInAccounts],
      useFactory: ({ database: bankOut }: BankOutAccounts, { database: bankIn }: BankInAccounts) => ({
        name: 'sample',
        server: coordinator(),
        driver: process.env.DTM_DRIVER,
        endpoint: endpoint(),
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
