import { Controller, Logger } from '@nestjs/common';
import { Barrier, BranchBarrier, BranchPayload, SagaBranch, TccAction } from 'nestjs-dtm';
import { type Transfer } from '../bank/transfer.js';
import { BankInAccounts } from './bank-in.accounts.js';

/** The bank that money goes to. */
@Controller('bank-in')
export class BankInController {
  readonly #logger = new Logger('BankIn');

  constructor(private readonly accounts: BankInAccounts) {}

  @SagaBranch({ compensate: 'undoTransIn' })
  async transIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }

  async undoTransIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.barrier, async (tx) => {
      await this.accounts.credit(tx, to, -amount);
      this.#logger.log(`TransIn ${amount} to user ${to} undone`);
    });
  }

  /** Nothing to reserve where money comes in: it only must be certain that the account can take it. */
  @TccAction({ confirm: 'confirmIn', cancel: 'cancelIn' })
  async prepareIn(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.barrier, (tx) => this.accounts.check(tx, to));
  }

  async confirmIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.barrier, async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }

  async cancelIn(@BranchPayload() _transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(this.accounts.barrier, async () => undefined);
  }
}
