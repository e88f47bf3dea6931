/** What the generated files depend on, besides the style of the application. */
export interface TemplateOptions {
  /** Ending of relative imports. */
  readonly extension: string;
  /** First line of the test: the import of the functions of the test runner; empty where they are global. */
  readonly testImport: string;
}

/** The service with the data of the branches. */
export function accountsFile(): string {
  return `import { Injectable } from '@nestjs/common';
import { DtmFailureError, type BranchContext } from 'nestjs-dtm';

const OWNERS = ['alice', 'bob'];

/**
 * Accounts in memory. There is one entry for each branch, so that a repeated
 * call changes nothing. With a database, the barrier of nestjs-dtm does this
 * in your own database transaction, see "Barrier" in its documentation.
 */
@Injectable()
export class Accounts {
  private readonly entries = new Map<
    string,
    { owner: string; amount: number }
  >();

  balance(owner: string): number {
    let balance = 100;
    for (const entry of this.entries.values()) {
      if (entry.owner === owner) balance += entry.amount;
    }
    return balance;
  }

  book(branch: BranchContext, owner: string, amount: number): void {
    const key = keyOf(branch);
    if (this.entries.has(key)) return;
    // this error rolls the transaction back; after any other error, the
    // coordinator calls again
    if (!OWNERS.includes(owner)) {
      throw new DtmFailureError(\`\${owner} has no account\`);
    }
    if (this.balance(owner) + amount < 0) {
      throw new DtmFailureError(\`\${owner} has not enough money\`);
    }
    this.entries.set(key, { owner, amount });
  }

  /** An empty entry also stops an action that comes late. */
  undo(branch: BranchContext, owner: string): void {
    this.entries.set(keyOf(branch), { owner, amount: 0 });
  }
}

function keyOf({ gid, branchId }: BranchContext): string {
  return \`\${gid}/\${branchId}\`;
}
`;
}

/** The controller with the branches. */
export function branchesFile({ extension }: TemplateOptions): string {
  return `import { Controller } from '@nestjs/common';
import {
  Branch,
  BranchPayload,
  SagaBranch,
  type BranchContext,
} from 'nestjs-dtm';
import { Accounts } from './accounts${extension}';

/** What a branch receives. The compiler also checks what callers send. */
export interface Posting {
  owner: string;
  amount: number;
}

/**
 * The branches. The coordinator calls an action until it succeeds or fails.
 * When an action fails, the coordinator calls the compensations.
 */
@Controller('bank')
export class BankController {
  constructor(private readonly accounts: Accounts) {}

  @SagaBranch({ compensate: 'undoTransOut' })
  transOut(
    @BranchPayload() { owner, amount }: Posting,
    @Branch() branch: BranchContext,
  ): void {
    this.accounts.book(branch, owner, -amount);
  }

  undoTransOut(
    @BranchPayload() { owner }: Posting,
    @Branch() branch: BranchContext,
  ): void {
    this.accounts.undo(branch, owner);
  }

  @SagaBranch({ compensate: 'undoTransIn' })
  transIn(
    @BranchPayload() { owner, amount }: Posting,
    @Branch() branch: BranchContext,
  ): void {
    this.accounts.book(branch, owner, amount);
  }

  undoTransIn(
    @BranchPayload() { owner }: Posting,
    @Branch() branch: BranchContext,
  ): void {
    this.accounts.undo(branch, owner);
  }
}
`;
}

/** The controller that starts transactions. */
export function initiatorFile({ extension }: TemplateOptions): string {
  return `import {
  BadRequestException,
  Body,
  Controller,
  Post,
  UseFilters,
} from '@nestjs/common';
import { branchOf, DtmExceptionFilter, DtmService } from 'nestjs-dtm';
import { Accounts } from './accounts${extension}';
import { BankController } from './bank.controller${extension}';

interface Transfer {
  from: string;
  to: string;
  amount: number;
}

/**
 * The initiator: starts a transaction over two branches. The filter answers 409
 * when the transaction was rolled back, and 202 while it goes on.
 */
@Controller('transfers')
@UseFilters(DtmExceptionFilter)
export class TransferController {
  constructor(
    private readonly dtm: DtmService,
    private readonly accounts: Accounts,
  ) {}

  @Post()
  async transfer(@Body() { from, to, amount }: Transfer) {
    if (!(Number.isFinite(amount) && amount > 0)) {
      throw new BadRequestException('amount must be a positive number');
    }
    const gid = await this.dtm
      .saga()
      .add(branchOf(BankController, 'transOut'), { owner: from, amount })
      .add(branchOf(BankController, 'transIn'), { owner: to, amount })
      .submit({ waitResult: true });
    return {
      gid,
      balances: {
        [from]: this.accounts.balance(from),
        [to]: this.accounts.balance(to),
      },
    };
  }
}
`;
}

/** The module of branches and initiator. */
export function moduleFile({ extension }: TemplateOptions): string {
  return `import { Module } from '@nestjs/common';
import { Accounts } from './accounts${extension}';
import { BankController } from './bank.controller${extension}';
import { TransferController } from './transfer.controller${extension}';

@Module({
  controllers: [BankController, TransferController],
  providers: [Accounts],
})
export class TransferModule {}
`;
}

/** The test of a transfer. */
export function testFile({ extension, testImport }: TemplateOptions): string {
  return `import { Test, TestingModule } from '@nestjs/testing';
import { DtmModule } from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
${testImport}import { Accounts } from './accounts${extension}';
import { TransferController } from './transfer.controller${extension}';
import { TransferModule } from './transfer.module${extension}';

describe('TransferController', () => {
  let app: TestingModule;
  let transfers: TransferController;
  let accounts: Accounts;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [
        DtmModule.forRoot({
          server: embeddedServer({ store: memoryStore() }),
        }),
        TransferModule,
      ],
    }).compile();
    await app.init();
    transfers = app.get(TransferController);
    accounts = app.get(Accounts);
  });

  afterEach(async () => {
    await app.close();
  });

  it('moves the money', async () => {
    await transfers.transfer({ from: 'alice', to: 'bob', amount: 30 });
    expect(accounts.balance('alice')).toBe(70);
    expect(accounts.balance('bob')).toBe(130);
  });

  it('gives the money back when the other side refuses it', async () => {
    await expect(
      transfers.transfer({ from: 'alice', to: 'nobody', amount: 30 }),
    ).rejects.toThrow('nobody has no account');
    expect(accounts.balance('alice')).toBe(100);
  });
});
`;
}
