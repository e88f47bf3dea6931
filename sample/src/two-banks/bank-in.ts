import { BankInAccounts } from '../bank-in/bank-in.accounts.js';
import { BANK_IN_BRANCHES, BankInModule } from '../bank-in/bank-in.module.js';
import { BANK_IN } from './addresses.js';
import { startBank } from './start-bank.js';

await startBank({
  name: 'bank-in',
  bank: BankInModule,
  accounts: BankInAccounts,
  branches: BANK_IN_BRANCHES,
  address: BANK_IN,
});
