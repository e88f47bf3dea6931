import { Controller, Inject, Module, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Barrier,
  BranchBarrier,
  BranchPayload,
  DtmFailureError,
  DtmModule,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  branchOf,
  type DtmModuleOptions,
  type SagaOptions,
  type TccOptions,
} from 'nestjs-dtm';
import { Bank } from './bank.js';

/** Payload of every branch. */
export interface Transfer {
  from: number;
  to: number;
  amount: number;
  /** The second branch fails. */
  refuse: boolean;
}

const OUT = Symbol('paying bank');
const IN = Symbol('receiving bank');

@Controller('out')
export class OutController {
  constructor(@Inject(OUT) private readonly bank: Bank) {}

  @SagaBranch({ compensate: 'undoOut' })
  async out(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, -amount));
  }

  async undoOut(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, amount));
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async freeze(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, 0, amount));
  }

  async confirm(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, -amount, -amount));
  }

  async cancel(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, 0, -amount));
  }
}

@Controller('in')
export class InController {
  constructor(@Inject(IN) private readonly bank: Bank) {}

  @SagaBranch({ compensate: 'undoIn' })
  async in(@BranchPayload() { to, amount, refuse }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, async (tx) => {
      await this.bank.change(tx, barrier.context, to, amount);
      // after the change, so that the local transaction must roll back
      if (refuse) throw new DtmFailureError('refused on purpose');
    });
  }

  async undoIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, to, -amount));
  }

  /** A message cannot be refused. */
  @MsgBranch()
  async receive(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, to, amount));
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async prepare(@BranchPayload() { to, refuse }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, async (tx) => {
      await this.bank.change(tx, barrier.context, to, 0);
      if (refuse) throw new DtmFailureError('refused on purpose');
    });
  }

  async confirm(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, to, amount));
  }

  async cancel(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, to, 0));
  }
}

/** The module of an application with both banks. */
export function bankModule(
  options: DtmModuleOptions,
  [bankOut, bankIn]: readonly [Bank, Bank],
  providers: readonly Provider[] = [],
): Type {
  @Module({
    imports: [DtmModule.forRoot(options)],
    controllers: [OutController, InController],
    providers: [{ provide: OUT, useValue: bankOut }, { provide: IN, useValue: bankIn }, ...providers],
  })
  class BankModule {}
  return BankModule;
}

/** Starts a Nest application with both banks on a free port. */
export async function startBankApp(
  server: DtmModuleOptions['server'],
  bankOut: Bank,
  bankIn: Bank,
): Promise<{ app: INestApplication; dtm: DtmService }> {
  // the network between coordinator and branches is part of the tests
  const module = bankModule({ server, endpoint: { over: 'http' } }, [bankOut, bankIn]);
  const app = await NestFactory.create(module, { logger: ['fatal'] });
  await app.listen(0, '127.0.0.1');
  return { app, dtm: app.get(DtmService) };
}

/** Runs one transfer as a saga. */
export async function transferBySaga(dtm: DtmService, transfer: Transfer, options: SagaOptions): Promise<void> {
  await dtm
    .saga(options)
    .add(branchOf(OutController, 'out'), transfer)
    .add(branchOf(InController, 'in'), transfer)
    .submit();
}

/** Runs one transfer as a TCC. */
export async function transferByTcc(dtm: DtmService, transfer: Transfer, options: TccOptions): Promise<void> {
  await dtm.tcc(async (tcc) => {
    await tcc.call(branchOf(OutController, 'freeze'), transfer);
    await tcc.call(branchOf(InController, 'prepare'), transfer);
  }, options);
}
