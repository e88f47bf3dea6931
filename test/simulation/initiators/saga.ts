import { Saga } from 'nestjs-dtm/client';
import { DtmFailureError, encodeSagaPlan, type TransactionRequest } from 'nestjs-dtm/protocol';
import { bankUrl, payloadOf, type SagaPlan } from '../scenarios/plan.js';
import { persist, type InitiatorContext } from './initiator.js';

/** Submits a saga, again if need be. */
export async function initiateSaga(plan: SagaPlan, context: InitiatorContext): Promise<void> {
  const { api, observer } = context;
  const { gid, options, isConcurrent: concurrent, orders, isBare, retries } = plan;
  if (plan.isPrepared) await persist(context, retries, () => api.prepare(requestOf(plan)));
  const saga = new Saga({ api }, { ...options, gid, concurrent });
  for (const [index, transfer] of plan.transfers.entries()) saga.add(urlsOf(plan, index), payloadOf(transfer, isBare));
  if (concurrent) for (const [step, before] of orders) saga.order(step, before);
  try {
    await persist(context, retries, () => saga.submit());
  } catch (error) {
    if (error instanceof DtmFailureError) observer.told(gid, 'failed');
    return;
  }
  if (options.waitResult) observer.told(gid, 'succeed');
}

/** The same saga as the request that its client makes of it. */
function requestOf(plan: SagaPlan): TransactionRequest {
  const { gid, options, isConcurrent: concurrent, orders, transfers, isBare } = plan;
  return {
    ...options,
    gid,
    transType: 'saga',
    steps: transfers.map((_, index) => urlsOf(plan, index)),
    payloads: transfers.map((transfer) => JSON.stringify(payloadOf(transfer, isBare))),
    customData: encodeSagaPlan({ concurrent, orders: concurrent ? orders : new Map() }),
  };
}

function urlsOf({ transfers, hollow }: SagaPlan, index: number): { action: string; compensate: string } {
  const { bank } = transfers[index]!;
  const url = (op: 'action' | 'compensate'): string => (hollow.get(index) === op ? '' : bankUrl(bank, op));
  return { action: url('action'), compensate: url('compensate') };
}
