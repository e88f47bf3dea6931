import { Injectable } from '@nestjs/common';
import { DtmFailureError, DtmService } from 'nestjs-dtm';
import { BankInAccounts } from '../bank-in/bank-in.accounts.js';
import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { type Transfer } from '../bank/transfer.js';
import { TransferService, type Mode } from './transfer.service.js';

/** A transfer of the demonstration, and how it must end. */
interface Scene {
  readonly title: string;
  readonly mode: Mode;
  readonly transfer: Transfer;
  readonly expected: 'succeed' | 'failed';
}

const SCENES: readonly Scene[] = [
  { title: 'saga', mode: 'saga', transfer: { from: 1, to: 2, amount: 30 }, expected: 'succeed' },
  { title: 'tcc', mode: 'tcc', transfer: { from: 1, to: 2, amount: 30 }, expected: 'succeed' },
  { title: 'saga, receiver unknown', mode: 'saga', transfer: { from: 1, to: 404, amount: 30 }, expected: 'failed' },
];

/** Makes three transfers and shows what became of the money. */
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

  async #play(scene: Scene): Promise<{ gid: string; state: string }> {
    const gid = await this.dtm.newGid();
    await this.transfers.run(scene.mode, gid, scene.transfer).catch((error: unknown) => {
      if (!(error instanceof DtmFailureError)) throw error;
    });
    const details = await this.dtm.query(gid);
    return { gid, state: details?.transaction.status ?? 'unknown' };
  }

  async #balances(): Promise<Map<number, number>> {
    const accounts = [...(await this.bankOut.all()), ...(await this.bankIn.all())];
    return new Map(accounts.map(({ userId, balance }) => [userId, balance]));
  }
}
