import { BranchBarrier, isMessageCommitted, type BarrierAdapter, type BarrierContext } from 'nestjs-dtm/barrier';
import { Msg, type OutgoingBranchCall } from 'nestjs-dtm/client';
import {
  DtmFailureError,
  DtmOngoingError,
  SUCCESS_BODY,
  type Outcome,
  type StepUrls,
  type TransactionRequest,
} from 'nestjs-dtm/protocol';
import { encodeMsgPlan } from '../../../lib/protocol/internal.js';
import type { Bank, BankTransaction } from '../bank/bank.js';
import { bankUrl, initiatorUrl, localAmount, payloadOf, topicOf, type MsgPlan } from '../scenarios/plan.js';
import { CALL_TIMEOUT_SECONDS, retry, type InitiatorContext, type InitiatorObserver } from './initiator.js';

/** Account of local transactions. */
const OWN_ACCOUNT = 0;

/** Sends a message, with or without a local transaction. */
export async function initiateMsg(plan: MsgPlan, context: InitiatorContext): Promise<void> {
  if (plan.local && plan.hasQueryBack && plan.delaySentWith === 'both') return initiateWithClient(plan, context);
  return initiateWithApi(plan, context);
}

/** Uses the client of the package. */
async function initiateWithClient(plan: MsgPlan, { api, bank, observer }: InitiatorContext): Promise<void> {
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
    if (hasRefused) observer.outcomeReported(gid, 'failed');
    // this error promises that the message will be delivered
    else if (error instanceof DtmOngoingError) observer.outcomeReported(gid, 'succeed');
    return;
  }
  observer.outcomeReported(gid, 'succeed');
}

/** Follows the algorithm of the protocol, with the variations of other clients. */
async function initiateWithApi(plan: MsgPlan, context: InitiatorContext): Promise<void> {
  const { api, observer, transport } = context;
  const { gid, local, retries } = plan;
  const submit = async (): Promise<void> => {
    await retry(context, retries, () => api.submit(requestOf(plan, !local || plan.delaySentWith !== 'prepare')));
    observer.outcomeReported(gid, 'succeed');
  };
  if (!local) return submit();
  await api.prepare(requestOf(plan, plan.delaySentWith !== 'submit'));
  try {
    await runLocally(plan, context);
  } catch (error) {
    let isFailure = error instanceof DtmFailureError;
    if (!isFailure && !plan.hasQueryBack) return;
    if (!isFailure) {
      const answer = await transport.call({
        url: initiatorUrl(gid),
        context: { gid, transType: 'msg', branchId: '00', op: 'msg' },
        payload: '',
        timeoutSeconds: CALL_TIMEOUT_SECONDS,
      });
      if (answer.kind === 'success') return submit();
      isFailure = answer.kind === 'failure';
    }
    if (!isFailure) return;
    await retry(context, retries, () => api.abort({ gid, transType: 'msg' }));
    observer.outcomeReported(gid, 'failed');
    return;
  }
  await submit();
}

/** Answers whether the local transaction was committed; if not, prevents a later commit. */
export async function answerQueryBack({ context: { gid } }: OutgoingBranchCall, bank: Bank): Promise<Outcome> {
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

/** The database of the initiator. Its first commit may get no answer. */
function adapterOf({ local }: MsgPlan, { adapter }: Bank): BarrierAdapter<BankTransaction> {
  let losesAnswer = local === 'commits without answer';
  return {
    ...adapter,
    async transaction(work) {
      const result = await adapter.transaction(work);
      if (!losesAnswer) return result;
      losesAnswer = false;
      throw new Error('connection lost at commit');
    },
  };
}

function requestOf(plan: MsgPlan, hasDelay: boolean): TransactionRequest {
  const { gid, options, transfers, topics, local, hasQueryBack, isConcurrent, delaySeconds } = plan;
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
    queryPrepared: local && hasQueryBack ? initiatorUrl(gid) : undefined,
    concurrent: isConcurrent,
    customData: hasDelay ? encodeMsgPlan({ delaySeconds }) : undefined,
  };
}
