import { BranchBarrier, type BarrierContext } from 'nestjs-dtm/barrier';
import type { BranchCall } from 'nestjs-dtm/client';
import {
  DtmFailureError,
  SUCCESS_BODY,
  encodeMsgPlan,
  type Outcome,
  type StepUrls,
  type TransactionRequest,
} from 'nestjs-dtm/protocol';
import type { Bank } from '../bank/bank.js';
import { bankUrl, initiatorUrl, localAmount, payloadOf, topicOf, type MsgPlan } from '../scenarios/plan.js';
import { CALL_TIMEOUT_SECONDS, persist, type InitiatorContext } from './initiator.js';

/** Account of the initiator's own transactions. */
const OWN_ACCOUNT = 0;

/** Sends a message together with a transaction of the initiator's own (`dtm-protocol.md` §8.3), or without one. */
export async function initiateMsg(plan: MsgPlan, context: InitiatorContext): Promise<void> {
  const { api, observer, transport } = context;
  const { gid, local, retries } = plan;
  const submit = async (): Promise<void> => {
    await persist(context, retries, () => api.submit(requestOf(plan, !local || plan.delayToldAt !== 'prepare')));
    observer.told(gid, 'succeed');
  };
  if (!local) return submit();
  await api.prepare(requestOf(plan, plan.delayToldAt !== 'submit'));
  try {
    await runLocally(plan, context);
  } catch (error) {
    let isFailure = error instanceof DtmFailureError;
    if (!isFailure && !plan.hasCheckBack) return;
    if (!isFailure) {
      const check = await transport.call({
        url: initiatorUrl(gid),
        context: { gid, transType: 'msg', branchId: '00', op: 'msg' },
        payload: '',
        timeoutSeconds: CALL_TIMEOUT_SECONDS,
      });
      if (check.kind === 'success') return submit();
      isFailure = check.kind === 'failure';
    }
    if (!isFailure) return;
    await persist(context, retries, () => api.abort({ gid, transType: 'msg' }));
    observer.told(gid, 'failed');
    return;
  }
  await submit();
}

/** Whether the initiator's own transaction was committed; when it was not, it never will be (`dtm-protocol.md` §7.4). */
export async function checkBack({ context: { gid } }: BranchCall, bank: Bank): Promise<Outcome> {
  const row = { gid, transType: 'msg', branchId: '00', op: 'msg', barrierId: '01', reason: 'rollback' } as const;
  await bank.adapter.transaction(async (tx) => bank.insert(tx, row));
  return bank.reasonOf(row) === 'rollback'
    ? { kind: 'failure', message: 'not committed' }
    : { kind: 'success', body: SUCCESS_BODY };
}

async function runLocally(plan: MsgPlan, { bank, observer }: InitiatorContext): Promise<void> {
  const { gid, local } = plan;
  const own: BarrierContext = { gid, transType: 'msg', branchId: '00', op: 'msg' };
  await new BranchBarrier(own).call(bank.adapter, async (tx) => {
    if (local === 'refuses') throw new DtmFailureError('refused by the initiator');
    if (local === 'rolls back') throw new Error('deadlock');
    bank.change(tx, own, OWN_ACCOUNT, localAmount(plan));
    tx.changes.push(() => observer.committedLocally(gid));
  });
  if (local === 'commits without answer') throw new Error('connection lost at commit');
}

function requestOf(plan: MsgPlan, hasDelay: boolean): TransactionRequest {
  const { gid, options, transfers, topics, local, hasCheckBack, isConcurrent, delaySeconds } = plan;
  const steps = transfers.map(({ bank }, index): StepUrls => {
    const subscribers = topics.get(index);
    return { action: subscribers ? `topic://${topicOf(subscribers)}` : bankUrl(bank, 'action') };
  });
  return {
    ...options,
    gid,
    transType: 'msg',
    steps,
    payloads: transfers.map((transfer) => JSON.stringify(payloadOf(transfer))),
    queryPrepared: local && hasCheckBack ? initiatorUrl(gid) : undefined,
    concurrent: isConcurrent,
    customData: hasDelay ? encodeMsgPlan({ delaySeconds }) : undefined,
  };
}
