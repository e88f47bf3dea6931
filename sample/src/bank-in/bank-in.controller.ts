import { Controller, Get, Logger } from '@nestjs/common';
import { Barrier, BranchBarrier, BranchPayload, MsgBranch, SagaBranch, TccAction } from 'nestjs-dtm';
import type { Account } from '../bank/accounts.js';
import { type Transfer } from '../bank/transfer.js';
import { BankInAccounts } from './bank-in.accounts.js';

/** The bank that money goes to. */
@Controller('bank-in')
export class BankInController {
  readonly #logger = new Logger('BankIn');

  constructor(private readonly accounts: BankInAccounts) {}

  @Get('accounts')
  all(): Promise<Account[]> {
    return this.accounts.all();
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

  /** Nothing to reserve where money comes in: it only must be certain that the account can take it. */
  @TccAction({ confirm: 'confirmIn', cancel: 'cancelIn' })
  async prepareIn(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, (tx) => this.accounts.check(tx, to));
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

  /** The money has left the other bank for good. So nothing can be refused here: what fails is tried again. */
  @MsgBranch()
  async receive(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.database.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }
}
