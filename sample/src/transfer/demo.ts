import { Injectable, Logger } from '@nestjs/common';
import { DtmFailureError, DtmOngoingError, DtmService } from 'nestjs-dtm';
import { BankInAccounts } from '../bank-in/bank-in.accounts.js';
import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { HAS_XA } from '../bank/bank-database.js';
import { type Transfer } from '../bank/transfer.js';
import { TransferService } from './transfer.service.js';
import { MODES, ROUTES, type TransferOptions } from './transfer-options.js';

/** A transfer of the demonstration with its expected end. */
interface DemoCase {
  readonly title: string;
  readonly options: TransferOptions;
  readonly transfer: Transfer;
  readonly expected: 'succeed' | 'failed';
}

const TRANSFER: Transfer = { from: 1, to: 2, amount: 30 };

const CASES: readonly DemoCase[] = [
  ...ROUTES.flatMap((over) =>
    MODES.filter((mode) => mode !== 'xa' || HAS_XA).map((mode): DemoCase => ({
      title: `${mode} ${over === 'in-process' ? over : `over ${over}`}`,
      options: { mode, over },
      transfer: TRANSFER,
      expected: 'succeed',
    })),
  ),
  {
    title: 'saga, receiver unknown',
    options: { mode: 'saga', over: ROUTES[0]! },
    transfer: { ...TRANSFER, to: 404 },
    expected: 'failed',
  },
];

/** Makes transfers in each mode and over each protocol, and shows the balances. */
@Injectable()
export class Demo {
  constructor(
    private readonly transfers: TransferService,
    private readonly bankOut: BankOutAccounts,
    private readonly bankIn: BankInAccounts,
    private readonly dtm: DtmService,
  ) {}

  /** Makes the transfers and prints the tables. Returns whether every balance and state is as expected. */
  async run(): Promise<boolean> {
    const before = await this.#balances();
    const results = [];
    for (const demoCase of CASES) results.push({ ...demoCase, ...(await this.#play(demoCase)) });
    const after = await this.#balances();

    const moved = results
      .filter((result) => result.expected === 'succeed')
      .reduce((sum, result) => sum + result.transfer.amount, 0);
    const balances = [
      { user: 1, before: before.get(1), after: after.get(1), expected: before.get(1)! - moved },
      { user: 2, before: before.get(2), after: after.get(2), expected: before.get(2)! + moved },
    ];
    console.log('\nBalances');
    console.table(balances);
    console.log('Global transactions');
    console.table(results.map(({ title, gid, state, expected }) => ({ transfer: title, gid, state, expected })));
    return (
      balances.every((row) => row.after === row.expected) && results.every((result) => result.state === result.expected)
    );
  }

  async #play({ options, transfer }: DemoCase): Promise<{ gid: string; state: string }> {
    const gid = await this.dtm.newGid();
    try {
      await this.transfers.run(options, gid, transfer);
      return { gid, state: 'succeed' };
    } catch (error) {
      if (error instanceof DtmFailureError) return { gid, state: 'failed' };
      if (!(error instanceof DtmOngoingError)) throw error;
      Logger.warn(error.message, 'Demo');
      return { gid, state: 'not known' };
    }
  }

  async #balances(): Promise<Map<number, number>> {
    const accounts = [...(await this.bankOut.list()), ...(await this.bankIn.list())];
    return new Map(accounts.map(({ userId, balance }) => [userId, balance]));
  }
}
