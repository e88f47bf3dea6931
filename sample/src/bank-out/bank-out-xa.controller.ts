import { Controller, Logger } from '@nestjs/common';
import { BranchPayload, Xa, XaBranch } from 'nestjs-dtm';
import type { XaParticipant } from 'nestjs-dtm/xa';
import type { Sql } from '../bank/bank-database.js';
import { type Transfer } from '../bank/transfer.js';
import { BankOutAccounts } from './bank-out.accounts.js';

/** The branch of this bank in XA transactions. Its database keeps the change prepared until dtm has decided. */
@Controller('bank-out-xa')
export class BankOutXaController {
  readonly #logger = new Logger('BankOut');

  constructor(private readonly accounts: BankOutAccounts) {}

  @XaBranch({ database: 'bank-out' })
  async transOut(@BranchPayload() { from, amount }: Transfer, @Xa() xa: XaParticipant<Sql>): Promise<void> {
    await xa.call(async (tx) => {
      await this.accounts.debit(tx, from, amount);
      this.#logger.log(`TransOut ${amount} from user ${from}`);
    });
  }
}
