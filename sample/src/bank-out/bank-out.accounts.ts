import { Accounts } from '../bank/accounts.js';

/** The accounts that money comes from. */
export class BankOutAccounts extends Accounts {}
