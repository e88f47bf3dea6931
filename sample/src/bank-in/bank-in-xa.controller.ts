import { Controller, Logger } from '@nestjs/common';
import { BranchPayload, Xa, XaBranch } from 'nestjs-dtm';
import type { XaParticipant } from 'nestjs-dtm/xa';
import type { Sql } from '../bank/bank-database.js';
import { type Transfer } from '../bank/transfer.js';
import { BankInAccounts } from './bank-in.accounts.js';

/** The branch of this bank in XA transactions. Its database keeps the change prepared until dtm has decided. */
@Controller('bank-in-xa')
export class BankInXaController {
  readonly #logger = new Logger('BankIn');

  constructor(private readonly accounts: BankInAccounts) {}

  @XaBranch({ database: 'bank-in' })
  async transIn(@BranchPayload() { to, amount }: Transfer, @Xa() xa: XaParticipant<Sql>): Promise<void> {
    await xa.call(async (tx) => {
      await this.accounts.credit(tx, to, amount);
      this.#logger.log(`TransIn ${amount} to user ${to}`);
    });
  }
}
