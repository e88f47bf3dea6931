import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { dataFolder } from '../data-folder.js';
import { BankOutAccounts } from './bank-out.accounts.js';
import { BankOutController } from './bank-out.controller.js';

@Module({
  controllers: [BankOutController],
  providers: [{ provide: BankOutAccounts, useFactory: () => new BankOutAccounts(dataFolder('bank-out')) }],
  exports: [BankOutAccounts],
})
export class BankOutModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly accounts: BankOutAccounts) {}

  async onModuleInit(): Promise<void> {
    await this.accounts.open([{ userId: 1, balance: 10_000 }]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.accounts.close();
  }
}
