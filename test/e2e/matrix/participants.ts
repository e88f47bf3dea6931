import { Controller, Inject } from '@nestjs/common';
import type { PoolConnection } from 'mysql2/promise';
import type { PoolClient } from 'pg';
import {
  Barrier,
  Branch,
  BranchBarrier,
  BranchPayload,
  DtmService,
  MsgBranch,
  SagaBranch,
  TccAction,
  Xa,
  XaBranch,
  branchOf,
  type BranchContext,
  type BranchRoute,
} from 'nestjs-dtm';
import type { XaParticipant } from 'nestjs-dtm/xa';
import { Bank } from '../bank/bank.js';
import type { Transfer } from './transfer.js';
import { FaultInjector } from './fault-injector.js';

/** Transport between participants. */
export const OVER = Symbol('transport between participants');

/** Injects faults in undo operations only, so that there is something to undo. */
@Controller('payer')
export class PayerController {
  constructor(
    @Inject(Bank) private readonly bank: Bank,
    @Inject(FaultInjector) private readonly faults: FaultInjector,
  ) {}

  @SagaBranch({ compensate: 'undoOut' })
  async out(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, -amount));
  }

  async undoOut(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, async (tx) => {
      await this.bank.change(tx, barrier.context, from, amount);
      this.faults.inject(barrier.context);
    });
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async freeze(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, 0, amount));
  }

  async confirm(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, -amount, -amount));
  }

  async cancel(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, async (tx) => {
      await this.bank.change(tx, barrier.context, from, 0, -amount);
      this.faults.inject(barrier.context);
    });
  }

  @MsgBranch()
  async pay(@BranchPayload() { from, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await barrier.call(this.bank.adapter, (tx) => this.bank.change(tx, barrier.context, from, -amount));
  }
}

/** Injects faults after its changes, which must then be rolled back. */
@Controller('receiver')
export class ReceiverController {
  constructor(
    @Inject(Bank) private readonly bank: Bank,
    @Inject(FaultInjector) private readonly faults: FaultInjector,
  ) {}

  @SagaBranch({ compensate: 'undoIn' })
  async in(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, amount);
  }

  async undoIn(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, -amount);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async expect(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, 0);
  }

  async confirm(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, amount);
  }

  async cancel(@BranchPayload() { to }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, 0);
  }

  @MsgBranch()
  async receive(@BranchPayload() { to, amount }: Transfer, @Barrier() barrier: BranchBarrier) {
    await this.#change(barrier, to, amount);
  }

  async #change(barrier: BranchBarrier, user: number, balance: number): Promise<void> {
    await barrier.call(this.bank.adapter, async (tx) => {
      await this.bank.change(tx, barrier.context, user, balance);
      this.faults.inject(barrier.context);
    });
  }
}

/** Delegates the transfer to nested branches. */
@Controller('agent')
export class AgentController {
  constructor(
    private readonly dtm: DtmService,
    @Inject(OVER) private readonly over: BranchRoute,
  ) {}

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async transfer(@BranchPayload() transfer: Transfer, @Branch() context: BranchContext) {
    const tcc = this.dtm.nestedTcc(context);
    const { over } = this;
    await tcc.call(branchOf(PayerController, 'freeze', { over }), transfer);
    await tcc.call(branchOf(ReceiverController, 'expect', { over }), transfer);
  }

  confirm(): void {}

  cancel(): void {}
}

@Controller('xa')
export class XaController {
  constructor(@Inject(FaultInjector) private readonly faults: FaultInjector) {}

  @XaBranch({ database: 'postgres' })
  async debit(@BranchPayload() { from, amount }: Transfer, @Xa() xa: XaParticipant<PoolClient>) {
    await xa.call((client) =>
      client.query('update account set balance = balance - $2 where user_id = $1', [from, amount]),
    );
  }

  @XaBranch({ database: 'mariadb' })
  async credit(@BranchPayload() { to, amount }: Transfer, @Xa() xa: XaParticipant<PoolConnection>) {
    await xa.call(async (connection) => {
      await connection.query('update account set balance = balance + ? where user_id = ?', [amount, to]);
      this.faults.inject(xa.context);
    });
  }
}
