import { Injectable } from '@nestjs/common';
import { DtmService, branchOf } from 'nestjs-dtm';
import { BankInController } from '../bank-in/bank-in.controller.js';
import { BankOutController } from '../bank-out/bank-out.controller.js';
import { type Transfer } from '../bank/transfer.js';

/** The ways to move money. */
export const MODES = ['saga', 'tcc'] as const;
export type Mode = (typeof MODES)[number];

/** Moves money from one bank to the other, as one transaction over both. */
@Injectable()
export class TransferService {
  constructor(private readonly dtm: DtmService) {}

  /** Resolves when the money has arrived; throws DtmFailureError when the transfer was rolled back. */
  async run(mode: Mode, gid: string, transfer: Transfer): Promise<void> {
    if (mode === 'saga') await this.#saga(gid, transfer);
    else await this.#tcc(gid, transfer);
  }

  async #saga(gid: string, transfer: Transfer): Promise<void> {
    await this.dtm
      .saga({ gid })
      .add(branchOf(BankOutController, 'transOut'), transfer)
      .add(branchOf(BankInController, 'transIn'), transfer)
      .submit({ waitResult: true });
  }

  async #tcc(gid: string, transfer: Transfer): Promise<void> {
    await this.dtm.tcc(
      async (tcc) => {
        await tcc.call(branchOf(BankOutController, 'freeze'), transfer);
        await tcc.call(branchOf(BankInController, 'prepareIn'), transfer);
      },
      { gid, waitResult: true },
    );
  }
}
