import { Saga } from 'nestjs-dtm/client';
import { DtmFailureError, type TransactionRequest } from 'nestjs-dtm/protocol';
import { encodeSagaPlan } from '../../../lib/protocol/internal.js';
import { bankUrl, payloadOf, type SagaPlan } from '../scenarios/plan.js';
import { retry, type InitiatorContext } from './initiator.js';

/** Submits a saga and repeats the submit while its outcome is unknown. */
export async function initiateSaga(plan: SagaPlan, context: InitiatorContext): Promise<void> {
  const { api, observer } = context;
  const { gid, options, isConcurrent: concurrent, orders, skipsBarrier, retries } = plan;
  if (plan.isPrepared) await retry(context, retries, () => api.prepare(requestOf(plan)));
  const saga = new Saga({ api }, { ...options, gid, concurrent });
  for (const [index, transfer] of plan.transfers.entries())
    saga.add(urlsOf(plan, index), payloadOf(transfer, skipsBarrier));
  if (concurrent) for (const [step, before] of orders) saga.order(step, before);
  try {
    await retry(context, retries, () => saga.submit());
  } catch (error) {
    if (error instanceof DtmFailureError) observer.outcomeReported(gid, 'failed');
    return;
  }
  if (options.waitResult) observer.outcomeReported(gid, 'succeed');
}

/** The request that the client sends for the saga. */
function requestOf(plan: SagaPlan): TransactionRequest {
  const { gid, options, isConcurrent: concurrent, orders, transfers, skipsBarrier } = plan;
  return {
    ...options,
    gid,
    transType: 'saga',
    steps: transfers.map((_, index) => urlsOf(plan, index)),
    payloads: transfers.map((transfer) => JSON.stringify(payloadOf(transfer, skipsBarrier))),
    customData: encodeSagaPlan({ concurrent, orders: concurrent ? orders : new Map() }),
  };
}

function urlsOf({ transfers, omitted }: SagaPlan, index: number): { action: string; compensate: string } {
  const { bank } = transfers[index]!;
  const url = (op: 'action' | 'compensate'): string => (omitted.get(index) === op ? '' : bankUrl(bank, op));
  return { action: url('action'), compensate: url('compensate') };
}
