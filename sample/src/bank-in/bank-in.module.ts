import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HAS_XA, bankDatabase } from '../bank/bank-database.js';
import { BankInXaController } from './bank-in-xa.controller.js';
import { BankInAccounts } from './bank-in.accounts.js';
import { BankInController } from './bank-in.controller.js';

/** Controllers with the branches of this bank. */
export const BANK_IN_BRANCHES = HAS_XA ? [BankInController, BankInXaController] : [BankInController];

@Module({
  controllers: BANK_IN_BRANCHES,
  providers: [{ provide: BankInAccounts, useFactory: () => new BankInAccounts(bankDatabase('bank-in')) }],
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
