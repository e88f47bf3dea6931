import { branchOf, type BranchOfOptions, type BranchRef } from 'nestjs-dtm';
import type { BankApp } from './bank-app.js';
import type { Route } from './route.js';
import { AgentController, PayerController, ReceiverController, XaController } from './participants.js';
import type { RpcMethod } from './rpc.controller.js';
import type { Transfer } from './transfer.js';

/** The branches of the participants. */
export type Branches = Readonly<
  Record<'out' | 'in' | 'freeze' | 'expect' | 'agent' | 'pay' | 'receive' | 'debit' | 'credit', BranchRef<Transfer>>
>;

/** Branches by `branchOf`. */
export function branchesAt(target: BranchOfOptions): Branches {
  return {
    out: branchOf(PayerController, 'out', target),
    in: branchOf(ReceiverController, 'in', target),
    freeze: branchOf(PayerController, 'freeze', target),
    expect: branchOf(ReceiverController, 'expect', target),
    agent: branchOf(AgentController, 'transfer', target),
    pay: branchOf(PayerController, 'pay', target),
    receive: branchOf(ReceiverController, 'receive', target),
    debit: branchOf(XaController, 'debit', target),
    credit: branchOf(XaController, 'credit', target),
  };
}

/**
 * Branches by URLs that dtm calls over JSON-RPC. The initiator calls the tries without JSON-RPC.
 *
 * @param at - base URL
 */
export function rpcBranchesAt(at: string): Branches {
  const rpc = (method: RpcMethod): string => rpcUrl(at, method);
  const urls = {
    out: { action: rpc('out'), compensate: rpc('undoOut') },
    in: { action: rpc('in'), compensate: rpc('undoIn') },
    freeze: { try: `${at}/payer/freeze`, confirm: rpc('confirmOut'), cancel: rpc('cancelOut') },
    expect: { try: `${at}/receiver/expect`, confirm: rpc('confirmIn'), cancel: rpc('cancelIn') },
    pay: rpc('pay'),
    receive: rpc('receive'),
  };
  // URLs do not carry a payload type
  return { ...branchesAt({ at }), ...(urls as unknown as Pick<Branches, keyof typeof urls>) };
}

/** URLs that subscribe to the topic. */
export function subscribersAt({ http, grpc }: BankApp['at'], { over, isRpc }: Route): readonly string[] {
  if (isRpc) return [rpcUrl(http, 'pay'), rpcUrl(http, 'receive')];
  if (over === 'in-process') return ['app:///payer/pay', 'app:///receiver/receive'];
  return over === 'http'
    ? [`${http}/payer/pay`, `${http}/receiver/receive`]
    : [`${grpc}/nestjsdtm.Payer/Pay`, `${grpc}/nestjsdtm.Receiver/Receive`];
}

function rpcUrl(at: string, method: RpcMethod): string {
  return `${at}/rpc?method=${method}`;
}
