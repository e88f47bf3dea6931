import type { DtmService, GlobalTransactionOptions } from 'nestjs-dtm';
import type { Bank } from '../bank/bank.js';
import type { Branches } from './branches.js';
import type { Step } from './crashing-initiators.js';
import type { Transfer } from './transfer.js';
import type { FaultInjector } from './fault-injector.js';

/** Environment of an initiator. */
export interface Initiator {
  readonly dtm: DtmService;
  /** Branches of the participants. */
  readonly branches: Branches;
  /** Its own database. */
  readonly bank: Bank;
  readonly faults: FaultInjector;
  /** Topic of the participants. */
  readonly topic: string;
}

/** A transaction mode for a transfer. */
export interface Mode {
  readonly name: string;
  readonly accounts: 'barrier' | 'xa';
  /** Requests of the initiator to the coordinator without faults. */
  readonly steps: readonly Step[];
  /** Does one transfer and waits for its result. */
  run(
    initiator: Initiator,
    transfer: Transfer,
    options: GlobalTransactionOptions & { readonly gid: string },
  ): Promise<unknown>;
  /** Operation that can fail. */
  readonly refusable: string;
  /** A failure is no decision: the coordinator retries. */
  readonly cannotFail?: boolean;
  /** Operation that the coordinator retries until it succeeds. */
  readonly repeated: string;
  /** Operation that undoes a branch. */
  readonly undo?: string;
  /** Operation that the initiator calls itself; any answer other than success rolls the transaction back. */
  readonly calledByInitiator?: string;
  /** The coordinator can call the branches over JSON-RPC. Calls by the initiator, and XA here, do not use JSON-RPC. */
  readonly canBeRpc: boolean;
  /** The local database of the initiator decides, before the submit. */
  readonly isDecidedLocally?: boolean;
}

const WAIT = { waitResult: true };

function local({ bank, faults }: Initiator, { from, amount }: Transfer, gid: string) {
  const context = { gid, transType: 'msg', branchId: '00', op: 'msg' } as const;
  return async (tx: Parameters<Bank['change']>[0]): Promise<void> => {
    await bank.change(tx, context, from, -amount);
    faults.inject(context);
  };
}

export const MODES: readonly Mode[] = [
  ...[false, true].map((concurrent): Mode => ({
    name: concurrent ? 'concurrent saga' : 'saga',
    canBeRpc: true,
    accounts: 'barrier',
    steps: ['submit'],
    refusable: 'action',
    repeated: 'action',
    undo: 'compensate',
    run: ({ dtm, branches }, transfer, options) =>
      dtm
        .saga({ ...options, concurrent })
        .add(branches.out, transfer)
        .add(branches.in, transfer)
        .submit(WAIT),
  })),
  {
    name: 'tcc',
    canBeRpc: true,
    accounts: 'barrier',
    steps: ['prepare', 'registerBranch', 'registerBranch', 'submit'],
    refusable: 'try',
    repeated: 'confirm',
    undo: 'cancel',
    calledByInitiator: 'try',
    run: ({ dtm, branches }, transfer, options) =>
      dtm.tcc(
        async (tcc) => {
          await tcc.call(branches.freeze, transfer);
          await tcc.call(branches.expect, transfer);
        },
        { ...options, ...WAIT },
      ),
  },
  {
    name: 'nested tcc',
    canBeRpc: false,
    accounts: 'barrier',
    steps: ['prepare', 'registerBranch', 'submit'],
    refusable: 'try',
    repeated: 'confirm',
    undo: 'cancel',
    calledByInitiator: 'try',
    run: ({ dtm, branches }, transfer, options) =>
      dtm.tcc((tcc) => tcc.call(branches.agent, transfer), { ...options, ...WAIT }),
  },
  {
    name: 'msg',
    canBeRpc: true,
    accounts: 'barrier',
    steps: ['submit'],
    refusable: 'action',
    cannotFail: true,
    repeated: 'action',
    run: ({ dtm, branches }, transfer, options) =>
      dtm.msg(options).add(branches.pay, transfer).add(branches.receive, transfer).submit(WAIT),
  },
  {
    name: 'msg with topic',
    canBeRpc: true,
    accounts: 'barrier',
    steps: ['submit'],
    refusable: 'action',
    cannotFail: true,
    repeated: 'action',
    run: ({ dtm, topic }, transfer, options) => dtm.msg(options).addTopic(topic, transfer).submit(WAIT),
  },
  {
    name: 'doAndSubmit',
    canBeRpc: true,
    accounts: 'barrier',
    steps: ['prepare', 'submit'],
    refusable: 'msg',
    repeated: 'action',
    isDecidedLocally: true,
    run: (initiator, transfer, options) =>
      initiator.dtm
        .msg(options)
        .add(initiator.branches.receive, transfer)
        .doAndSubmit(initiator.bank.adapter, local(initiator, transfer, options.gid), WAIT),
  },
  {
    name: 'xa',
    canBeRpc: false,
    accounts: 'xa',
    steps: ['prepare', 'submit'],
    refusable: 'action',
    repeated: 'commit',
    undo: 'rollback',
    calledByInitiator: 'action',
    run: ({ dtm, branches }, transfer, options) =>
      dtm.xa(
        async (xa) => {
          await xa.call(branches.debit, transfer);
          await xa.call(branches.credit, transfer);
        },
        { ...options, ...WAIT },
      ),
  },
];
