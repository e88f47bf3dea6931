import { DtmFailureError, isFinal, outcomeError, type BranchRecord } from 'nestjs-dtm/protocol';
import { encodeWorkflowCall, stepBranchId } from '../../../lib/protocol/internal.js';
import { bankUrl, initiatorUrl, payloadOf, type WorkflowPlan } from '../scenarios/plan.js';
import { CALL_TIMEOUT_SECONDS, type InitiatorContext } from './initiator.js';

/** Name of the workflow in its own process. */
const NAME = 'transfer';

type Op = 'action' | 'commit' | 'rollback';

/**
 * Executes a workflow from its recorded progress. Each call of the coordinator executes it again.
 *
 * @returns the outcome
 * @throws when the workflow cannot finish now
 */
export async function executeWorkflow(plan: WorkflowPlan, context: InitiatorContext): Promise<'succeed' | 'failed'> {
  const { api, observer } = context;
  const { gid, options, transfers } = plan;
  const { transaction, branches } = await api.prepareWorkflow({
    ...options,
    gid,
    transType: 'workflow',
    queryPrepared: initiatorUrl(gid),
    customData: encodeWorkflowCall({ name: NAME, data: Buffer.from('{}') }),
  });
  if (isFinal(transaction.status)) return transaction.status as 'succeed' | 'failed';
  const progress = new Map(branches.map((branch) => [keyOf(branch), branch.status]));
  const run = (index: number, op: Op): Promise<BranchRecord['status']> => record(plan, context, progress, index, op);

  const done: number[] = [];
  let status: 'succeed' | 'failed' = 'succeed';
  for (const index of transfers.keys()) {
    status = (await run(index, 'action')) === 'succeed' ? 'succeed' : 'failed';
    if (status === 'failed') break;
    done.push(index);
  }
  for (const index of done.toReversed()) await run(index, status === 'succeed' ? 'commit' : 'rollback');
  await api.submit({ gid, transType: 'workflow', reqExtra: { status } });
  observer.outcomeReported(gid, status);
  return status;
}

/** Runs an operation and records the result, unless a result is recorded already. */
async function record(
  plan: WorkflowPlan,
  { api, transport }: InitiatorContext,
  progress: ReadonlyMap<string, BranchRecord['status']>,
  index: number,
  op: Op,
): Promise<BranchRecord['status']> {
  const { gid, transfers } = plan;
  const branchId = stepBranchId(index + 1);
  const recorded = progress.get(keyOf({ branchId, op }));
  if (recorded) return recorded;
  const transfer = transfers[index]!;
  const outcome = await transport.call({
    url: bankUrl(transfer.bank, op),
    context: { gid, transType: 'workflow', branchId, op },
    payload: JSON.stringify(payloadOf(transfer)),
    timeoutSeconds: CALL_TIMEOUT_SECONDS,
  });
  const mayFail = op === 'action';
  if (outcome.kind !== 'success' && !(mayFail && outcome.kind === 'failure')) throw outcomeError(outcome, op, { gid });
  const status = outcome.kind === 'success' ? 'succeed' : 'failed';
  await api.registerBranch({ gid, transType: 'workflow', branchId, op, status, payload: '' });
  return status;
}

function keyOf({ branchId, op }: Pick<BranchRecord, 'branchId' | 'op'>): string {
  return `${branchId}-${op}`;
}

/** Starts a workflow. After an error the coordinator calls the workflow later. */
export async function initiateWorkflow(plan: WorkflowPlan, context: InitiatorContext): Promise<void> {
  await executeWorkflow(plan, context).catch((error: unknown) => {
    if (error instanceof DtmFailureError) context.simulation.count('workflow refused');
  });
}
