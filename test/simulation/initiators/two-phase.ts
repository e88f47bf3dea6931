import { runTcc, type Tcc } from 'nestjs-dtm/client';
import { DtmFailureError, outcomeError, type TransactionRequest } from 'nestjs-dtm/protocol';
import { stepBranchId } from '../../../lib/protocol/internal.js';
import { bankUrl, payloadOf, type TwoPhasePlan } from '../scenarios/plan.js';
import { CALL_TIMEOUT_SECONDS, retry, type InitiatorContext } from './initiator.js';

/** Runs a TCC with the client of the package. */
export async function initiateTcc(plan: TwoPhasePlan, context: InitiatorContext): Promise<void> {
  const { transport, observer } = context;
  const { gid, options } = plan;
  let isSubmitted = false;
  const submit = (request: TransactionRequest): Promise<void> => {
    isSubmitted = true;
    return context.api.submit(request);
  };
  const work = async (tcc: Tcc): Promise<void> => {
    await forEachBranch(plan, async (index) => {
      const { bank } = plan.transfers[index]!;
      const urls = { try: bankUrl(bank, 'try'), confirm: bankUrl(bank, 'confirm'), cancel: bankUrl(bank, 'cancel') };
      const tried = tcc.call(urls, payloadOf(plan.transfers[index]!));
      if (plan.ignoresTries) void tried.catch(() => undefined);
      else await tried;
    });
    if (plan.givesUp) throw new Error('aborted by the initiator');
  };
  try {
    const api = { ...context.api, submit };
    await runTcc({ api, transport }, work, { ...options, gid, onAbortFailed: () => undefined });
    observer.outcomeReported(gid, 'succeed');
  } catch (error) {
    if (!isSubmitted || error instanceof DtmFailureError) observer.outcomeReported(gid, 'failed');
    else await resolveUnknownSubmit(plan, context);
  }
}

/** Runs an XA transaction. Its branches register themselves. */
export async function initiateXa(plan: TwoPhasePlan, context: InitiatorContext): Promise<void> {
  const { api, transport, observer } = context;
  const { gid, options } = plan;
  const request = { ...options, gid, transType: 'xa' } as const;
  await api.prepare(request);
  try {
    await forEachBranch(plan, async (index) => {
      const url = bankUrl(plan.transfers[index]!.bank, 'xa');
      const outcome = await transport.call({
        url,
        context: { gid, transType: 'xa', branchId: stepBranchId(index + 1), op: 'action', phase2Url: url },
        payload: JSON.stringify(payloadOf(plan.transfers[index]!)),
        timeoutSeconds: CALL_TIMEOUT_SECONDS,
      });
      if (outcome.kind !== 'success') throw outcomeError(outcome, url, { gid });
    });
    if (plan.givesUp) throw new Error('aborted by the initiator');
  } catch {
    observer.outcomeReported(gid, 'failed');
    await api.abort({ gid, transType: 'xa' });
    return;
  }
  try {
    await api.submit(request);
    observer.outcomeReported(gid, 'succeed');
  } catch (error) {
    if (!(error instanceof DtmFailureError)) await resolveUnknownSubmit(plan, context);
  }
}

/** Handles a submit with an unknown outcome: repeats the submit, or aborts. */
async function resolveUnknownSubmit(
  { gid, mode, options, retries, onUnknownSubmit }: TwoPhasePlan,
  context: InitiatorContext,
): Promise<void> {
  const { api, observer } = context;
  if (onUnknownSubmit === 'abort') {
    await retry(context, retries, () => api.abort({ gid, transType: mode }));
    observer.outcomeReported(gid, 'failed');
    return;
  }
  if (retries === 0) return;
  await retry(context, retries, () => api.submit({ ...options, gid, transType: mode }));
  observer.outcomeReported(gid, 'succeed');
}

async function forEachBranch(plan: TwoPhasePlan, call: (index: number) => Promise<void>): Promise<void> {
  const indices = [...plan.transfers.keys()];
  if (!plan.isParallel) {
    for (const index of indices) await call(index);
    return;
  }
  const results = await Promise.allSettled(indices.map(call));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
