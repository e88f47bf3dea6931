import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { BANK_OUT_BRANCHES, BankOutModule } from '../bank-out/bank-out.module.js';
import { BANK_OUT } from './addresses.js';
import { startBank } from './start-bank.js';

await startBank({
  name: 'bank-out',
  bank: BankOutModule,
  accounts: BankOutAccounts,
  branches: BANK_OUT_BRANCHES,
  address: BANK_OUT,
});
