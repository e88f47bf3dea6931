import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HAS_XA, bankDatabase } from '../bank/bank-database.js';
import { BankOutXaController } from './bank-out-xa.controller.js';
import { BankOutAccounts } from './bank-out.accounts.js';
import { BankOutController } from './bank-out.controller.js';

/** Controllers with the branches of this bank. */
export const BANK_OUT_BRANCHES = HAS_XA ? [BankOutController, BankOutXaController] : [BankOutController];

@Module({
  controllers: BANK_OUT_BRANCHES,
  providers: [{ provide: BankOutAccounts, useFactory: () => new BankOutAccounts(bankDatabase('bank-out')) }],
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
