import { Accounts } from '../bank/accounts.js';

/** The accounts that send money. */
export class BankOutAccounts extends Accounts {}
