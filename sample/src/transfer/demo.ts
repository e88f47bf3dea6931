import { Injectable, Logger } from '@nestjs/common';
import { DtmFailureError, DtmOngoingError, DtmService } from 'nestjs-dtm';
import { BankInAccounts } from '../bank-in/bank-in.accounts.js';
import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { HAS_XA } from '../bank/bank-database.js';
import { type Transfer } from '../bank/transfer.js';
import { TransferService } from './transfer.service.js';
import { MODES, PROTOCOLS, type Way } from './ways.js';

/** A transfer of the demonstration, and how it must end. */
interface Scene {
  readonly title: string;
  readonly way: Way;
  readonly transfer: Transfer;
  readonly expected: 'succeed' | 'failed';
}

const TRANSFER: Transfer = { from: 1, to: 2, amount: 30 };

const SCENES: readonly Scene[] = [
  ...PROTOCOLS.flatMap((protocol) =>
    MODES.filter((mode) => mode !== 'xa' || HAS_XA).map((mode): Scene => ({
      title: `${mode} over ${protocol}`,
      way: { mode, protocol },
      transfer: TRANSFER,
      expected: 'succeed',
    })),
  ),
  {
    title: 'saga, receiver unknown',
    way: { mode: 'saga', protocol: 'http' },
    transfer: { ...TRANSFER, to: 404 },
    expected: 'failed',
  },
];

/** Makes transfers in every way and shows what became of the money. */
@Injectable()
export class Demo {
  constructor(
    private readonly transfers: TransferService,
    private readonly bankOut: BankOutAccounts,
    private readonly bankIn: BankInAccounts,
    private readonly dtm: DtmService,
  ) {}

  /** Runs the scenes and prints the tables; true when every balance and state is as expected. */
  async run(): Promise<boolean> {
    const before = await this.#balances();
    const scenes = [];
    for (const scene of SCENES) scenes.push({ ...scene, ...(await this.#play(scene)) });
    const after = await this.#balances();

    const moved = scenes
      .filter((scene) => scene.expected === 'succeed')
      .reduce((sum, scene) => sum + scene.transfer.amount, 0);
    const balances = [
      { user: 1, before: before.get(1), after: after.get(1), expected: before.get(1)! - moved },
      { user: 2, before: before.get(2), after: after.get(2), expected: before.get(2)! + moved },
    ];
    console.log('\nBalances');
    console.table(balances);
    console.log('Global transactions');
    console.table(scenes.map(({ title, gid, state, expected }) => ({ transfer: title, gid, state, expected })));
    return (
      balances.every((row) => row.after === row.expected) && scenes.every((scene) => scene.state === scene.expected)
    );
  }

  async #play({ way, transfer }: Scene): Promise<{ gid: string; state: string }> {
    const gid = await this.dtm.newGid();
    try {
      await this.transfers.run(way, gid, transfer);
      return { gid, state: 'succeed' };
    } catch (error) {
      if (error instanceof DtmFailureError) return { gid, state: 'failed' };
      if (!(error instanceof DtmOngoingError)) throw error;
      Logger.warn(error.message, 'Demo');
      return { gid, state: 'not known' };
    }
  }

  async #balances(): Promise<Map<number, number>> {
    const accounts = [...(await this.bankOut.all()), ...(await this.bankIn.all())];
    return new Map(accounts.map(({ userId, balance }) => [userId, balance]));
  }
}
