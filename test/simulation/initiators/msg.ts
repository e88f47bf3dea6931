import { BranchBarrier, isMessageCommitted, type BarrierAdapter, type BarrierContext } from 'nestjs-dtm/barrier';
import { Msg, type OutgoingBranchCall } from 'nestjs-dtm/client';
import {
  DtmFailureError,
  DtmOngoingError,
  SUCCESS_BODY,
  encodeMsgPlan,
  type Outcome,
  type StepUrls,
  type TransactionRequest,
} from 'nestjs-dtm/protocol';
import type { Bank, BankTransaction } from '../bank/bank.js';
import { bankUrl, initiatorUrl, localAmount, payloadOf, topicOf, type MsgPlan } from '../scenarios/plan.js';
import { CALL_TIMEOUT_SECONDS, persist, type InitiatorContext, type InitiatorObserver } from './initiator.js';

/** Account of the initiator's own transactions. */
const OWN_ACCOUNT = 0;

/** Sends a message together with a transaction of the initiator's own, or without one. */
export async function initiateMsg(plan: MsgPlan, context: InitiatorContext): Promise<void> {
  if (plan.local && plan.hasCheckBack && plan.delayToldAt === 'both') return initiateByClient(plan, context);
  return initiateByHand(plan, context);
}

/** As users of the package do it. */
async function initiateByClient(plan: MsgPlan, { api, bank, observer }: InitiatorContext): Promise<void> {
  const { gid, options, transfers, topics, isConcurrent: concurrent, delaySeconds } = plan;
  const queryPrepared = initiatorUrl(gid);
  const onAbortFailed = (): void => undefined;
  const msg = new Msg({ api }, { ...options, gid, concurrent, delaySeconds, queryPrepared, onAbortFailed });
  for (const [index, transfer] of transfers.entries()) {
    const subscribers = topics.get(index);
    if (subscribers) msg.addTopic(topicOf(subscribers), payloadOf(transfer));
    else msg.add(bankUrl(transfer.bank, 'action'), payloadOf(transfer));
  }
  let hasRefused = false;
  try {
    await msg.doAndSubmit(adapterOf(plan, bank), async (tx) => {
      try {
        workLocally(plan, bank, observer, tx);
      } catch (error) {
        hasRefused = true;
        throw error;
      }
    });
  } catch (error) {
    if (hasRefused) observer.told(gid, 'failed');
    // it promises that the message will be delivered
    else if (error instanceof DtmOngoingError) observer.told(gid, 'succeed');
    return;
  }
  observer.told(gid, 'succeed');
}

/** By the algorithm of the protocol, with the liberties that other clients take. */
async function initiateByHand(plan: MsgPlan, context: InitiatorContext): Promise<void> {
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

/** Whether the initiator's own transaction was committed; when it was not, it never will be. */
export async function checkBack({ context: { gid } }: OutgoingBranchCall, bank: Bank): Promise<Outcome> {
  return (await isMessageCommitted(bank.adapter, gid))
    ? { kind: 'success', body: SUCCESS_BODY }
    : { kind: 'failure', message: 'not committed' };
}

const localContext = (gid: string): BarrierContext => ({ gid, transType: 'msg', branchId: '00', op: 'msg' });

async function runLocally(plan: MsgPlan, { bank, observer }: InitiatorContext): Promise<void> {
  const barrier = new BranchBarrier(localContext(plan.gid));
  await barrier.call(adapterOf(plan, bank), async (tx) => workLocally(plan, bank, observer, tx));
}

function workLocally(plan: MsgPlan, bank: Bank, observer: InitiatorObserver, tx: BankTransaction): void {
  const { gid, local } = plan;
  if (local === 'refuses') throw new DtmFailureError('refused by the initiator');
  if (local === 'rolls back') throw new Error('deadlock');
  bank.change(tx, localContext(gid), OWN_ACCOUNT, localAmount(plan));
  tx.changes.push(() => observer.committedLocally(gid));
}

/** The initiator's database, whose first commit may be one without an answer. */
function adapterOf({ local }: MsgPlan, { adapter }: Bank): BarrierAdapter<BankTransaction> {
  let isCutOff = local === 'commits without answer';
  return {
    ...adapter,
    async transaction(work) {
      const result = await adapter.transaction(work);
      if (!isCutOff) return result;
      isCutOff = false;
      throw new Error('connection lost at commit');
    },
  };
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
