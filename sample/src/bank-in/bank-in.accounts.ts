import { Accounts } from '../bank/accounts.js';

/** The accounts that money goes to. */
export class BankInAccounts extends Accounts {}
