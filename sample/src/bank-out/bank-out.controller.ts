import { Controller, Get, Logger } from '@nestjs/common';
import { Barrier, BranchBarrier, BranchPayload, SagaBranch, TccAction } from 'nestjs-dtm';
import type { Account } from '../bank/accounts.js';
import { type Transfer } from '../bank/transfer.js';
import { BankOutAccounts } from './bank-out.accounts.js';

/** The bank that sends money. */
@Controller('bank-out')
export class BankOutController {
  readonly #logger = new Logger('BankOut');

  constructor(private readonly accounts: BankOutAccounts) {}

  @Get('accounts')
  list(): Promise<Account[]> {
    return this.accounts.list();
  }

  @SagaBranch({ compensate: 'undoTransOut' })
  async transOut(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.debit(tx, from, amount);
      this.#logger.log(`TransOut ${amount} from user ${from}`);
    });
  }

  async undoTransOut(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.debit(tx, from, -amount);
      this.#logger.log(`TransOut ${amount} from user ${from} undone`);
    });
  }

  @TccAction({ confirm: 'confirmFreeze', cancel: 'unfreeze' })
  async freeze(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, (tx) => this.accounts.freeze(tx, from, amount));
  }

  async confirmFreeze(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.unfreeze(tx, from, amount);
      await this.accounts.debit(tx, from, amount);
      this.#logger.log(`TransOut ${amount} from user ${from}`);
    });
  }

  async unfreeze(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, (tx) => this.accounts.unfreeze(tx, from, amount));
  }
}
