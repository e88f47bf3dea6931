import { Injectable, Logger } from '@nestjs/common';
import { DtmService, branchOf } from 'nestjs-dtm';
import { BankInXaController } from '../bank-in/bank-in-xa.controller.js';
import { BankInController } from '../bank-in/bank-in.controller.js';
import { BankOutXaController } from '../bank-out/bank-out-xa.controller.js';
import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { BankOutController } from '../bank-out/bank-out.controller.js';
import { type Transfer } from '../bank/transfer.js';
import type { Protocol, Way } from './ways.js';

/** Moves money from one bank to the other, as one transaction over both. */
@Injectable()
export class TransferService {
  constructor(
    private readonly dtm: DtmService,
    private readonly bankOut: BankOutAccounts,
  ) {}

  /** Resolves when the money has arrived; throws DtmFailureError when the transfer was rolled back. */
  async run({ mode, protocol }: Way, gid: string, transfer: Transfer): Promise<void> {
    if (mode === 'saga') await this.#saga(protocol, gid, transfer);
    else if (mode === 'tcc') await this.#tcc(protocol, gid, transfer);
    else if (mode === 'msg') await this.#msg(protocol, gid, transfer);
    else await this.#xa(protocol, gid, transfer);
  }

  /** Takes the money, then gives it; what was done is undone when the rest fails. */
  async #saga(over: Protocol, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm
      .saga({ gid })
      .add(branchOf(BankOutController, 'transOut', { over }), transfer)
      .add(branchOf(BankInController, 'transIn', { over }), transfer)
      .submit({ waitResult: true });
  }

  /** Reserves in both banks, then confirms in both. */
  async #tcc(over: Protocol, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm.tcc(
      async (tcc) => {
        await tcc.call(branchOf(BankOutController, 'freeze', { over }), transfer);
        await tcc.call(branchOf(BankInController, 'prepareIn', { over }), transfer);
      },
      { gid, protocol: over, waitResult: true },
    );
  }

  /** Takes the money in a local transaction; when that has committed, and only then, the other bank is told. */
  async #msg(over: Protocol, gid: string, transfer: Transfer): Promise<void> {
    const { from, amount } = transfer;
    await this.dtm
      .msg({ gid })
      .add(branchOf(BankInController, 'receive', { over }), transfer)
      .doAndSubmit(
        this.bankOut.database.barrier,
        async (tx) => {
          await this.bankOut.debit(tx, from, amount);
          Logger.log(`TransOut ${amount} from user ${from}`, 'BankOut');
        },
        { waitResult: true },
      );
  }

  /** Changes both databases, then commits in both. */
  async #xa(over: Protocol, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm.xa(
      async (xa) => {
        await xa.call(branchOf(BankOutXaController, 'transOut', { over }), transfer);
        await xa.call(branchOf(BankInXaController, 'transIn', { over }), transfer);
      },
      { gid, protocol: over, waitResult: true },
    );
  }
}
