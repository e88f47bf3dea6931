import { Accounts } from '../bank/accounts.js';

/** The accounts that receive money. */
export class BankInAccounts extends Accounts {}
