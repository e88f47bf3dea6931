import { Injectable, Logger } from '@nestjs/common';
import { DtmService, branchOf, type BranchRoute } from 'nestjs-dtm';
import { BankInXaController } from '../bank-in/bank-in-xa.controller.js';
import { BankInController } from '../bank-in/bank-in.controller.js';
import { BankOutXaController } from '../bank-out/bank-out-xa.controller.js';
import { BankOutAccounts } from '../bank-out/bank-out.accounts.js';
import { BankOutController } from '../bank-out/bank-out.controller.js';
import { type Transfer } from '../bank/transfer.js';
import type { TransferOptions } from './transfer-options.js';

/** Moves money from one bank to the other in a distributed transaction. */
@Injectable()
export class TransferService {
  constructor(
    private readonly dtm: DtmService,
    private readonly bankOut: BankOutAccounts,
  ) {}

  /** Makes a transfer; throws DtmFailureError when it was rolled back. */
  async run({ mode, over }: TransferOptions, gid: string, transfer: Transfer): Promise<void> {
    if (mode === 'saga') await this.#saga(over, gid, transfer);
    else if (mode === 'tcc') await this.#tcc(over, gid, transfer);
    else if (mode === 'msg') await this.#msg(over, gid, transfer);
    else await this.#xa(over, gid, transfer);
  }

  /** Withdraws, then deposits. When the deposit fails, dtm calls the compensations. */
  async #saga(over: BranchRoute, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm
      .saga({ gid })
      .add(branchOf(BankOutController, 'transOut', { over }), transfer)
      .add(branchOf(BankInController, 'transIn', { over }), transfer)
      .submit({ waitResult: true });
  }

  /** Reserves in both banks, then confirms in both. */
  async #tcc(over: BranchRoute, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm.tcc(
      async (tcc) => {
        await tcc.call(branchOf(BankOutController, 'freeze', { over }), transfer);
        await tcc.call(branchOf(BankInController, 'prepareIn', { over }), transfer);
      },
      { gid, protocol: protocolOf(over), waitResult: true },
    );
  }

  /** Withdraws in a local transaction. If it commits, and only then, dtm calls the other bank. */
  async #msg(over: BranchRoute, gid: string, transfer: Transfer): Promise<void> {
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

  /** Prepares the changes in both databases, then commits both. */
  async #xa(over: BranchRoute, gid: string, transfer: Transfer): Promise<void> {
    await this.dtm.xa(
      async (xa) => {
        await xa.call(branchOf(BankOutXaController, 'transOut', { over }), transfer);
        await xa.call(branchOf(BankInXaController, 'transIn', { over }), transfer);
      },
      { gid, protocol: protocolOf(over), waitResult: true },
    );
  }
}

/** The branches of a TCC or XA transaction are not known when it starts. */
function protocolOf(over: BranchRoute): 'grpc' | 'http' {
  return over === 'grpc' ? 'grpc' : 'http';
}
