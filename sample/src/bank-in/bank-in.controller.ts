import { Controller, Get, Logger } from '@nestjs/common';
import { Barrier, BranchBarrier, BranchPayload, MsgBranch, SagaBranch, TccAction } from 'nestjs-dtm';
import type { Account } from '../bank/accounts.js';
import { type Transfer } from '../bank/transfer.js';
import { BankInAccounts } from './bank-in.accounts.js';

/** The bank that receives money. */
@Controller('bank-in')
export class BankInController {
  readonly #logger = new Logger('BankIn');

  constructor(private readonly accounts: BankInAccounts) {}

  @Get('accounts')
  list(): Promise<Account[]> {
    return this.accounts.list();
  }

  @SagaBranch({ compensate: 'undoTransIn' })
  async transIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }

  async undoTransIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.credit(tx, to, -amount);
      this.#logger.log(`TransIn ${amount} to user ${to} undone`);
    });
  }

  /** Checks that the account exists. A receiver has nothing to reserve. */
  @TccAction({ confirm: 'confirmIn', cancel: 'cancelIn' })
  async prepareIn(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, (tx) => this.accounts.assertExists(tx, to));
  }

  async confirmIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }

  async cancelIn(@BranchPayload() _transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async () => undefined);
  }

  /** Cannot refuse the money, which has already left the other bank. dtm retries after an error. */
  @MsgBranch()
  async receive(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }
}
