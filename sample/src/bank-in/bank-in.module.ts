import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { dataFolder } from '../data-folder.js';
import { BankInAccounts } from './bank-in.accounts.js';
import { BankInController } from './bank-in.controller.js';

@Module({
  controllers: [BankInController],
  providers: [{ provide: BankInAccounts, useFactory: () => new BankInAccounts(dataFolder('bank-in')) }],
  exports: [BankInAccounts],
})
export class BankInModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly accounts: BankInAccounts) {}

  async onModuleInit(): Promise<void> {
    await this.accounts.open([{ userId: 2, balance: 10_000 }]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.accounts.close();
  }
}
