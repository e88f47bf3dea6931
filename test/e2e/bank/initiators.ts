import { request } from 'undici';
import { BranchBarrier } from 'nestjs-dtm/barrier';
import { DtmDuplicatedError, DtmFailureError } from 'nestjs-dtm/protocol';
import type { Bank } from './bank.js';
import type { Transfer } from './bank-app.js';
import type { CoordinatorClient } from './coordinator-client.js';
import type { BranchRequest, Participants } from './participants.js';

/** Final status of a transaction, as its initiator learned it. */
export type FinalStatus = 'succeed' | 'failed';

/** The initiator crashed: only the coordinator can finish the transaction. */
export class InitiatorCrashed extends Error {}

/** Environment of initiators of messages, XA transactions and workflows. They act like other SDKs, without retries. */
export interface InitiatorEnvironment {
  readonly bankOut: Bank;
  readonly coordinator: CoordinatorClient;
  readonly participants: Participants;
  /** Throws {@link InitiatorCrashed} at random. */
  maybeCrash(): void;
}

const OPTIONS = { retry_interval: 1, timeout_to_fail: 2 };

/** Transfers by message: a local transaction debits the payer, the delivery credits the receiver. */
export async function transferByMessage(
  environment: InitiatorEnvironment,
  gid: string,
  transfer: Transfer,
): Promise<FinalStatus | undefined> {
  const { bankOut, coordinator, participants } = environment;
  const body = {
    ...OPTIONS,
    gid,
    trans_type: 'msg',
    query_prepared: participants.url('/msg/query'),
    steps: [{ action: participants.url('/msg/in') }],
    payloads: [JSON.stringify(transfer)],
  };
  if (!(await coordinator.isAccepted('prepare', body))) return undefined;
  environment.maybeCrash();
  const barrier = new BranchBarrier({ transType: 'msg', gid, branchId: '00', op: 'msg' });
  try {
    await barrier.call(bankOut.adapter, async (tx) => {
      await bankOut.change(tx, barrier.context, transfer.from, -transfer.amount);
      if (transfer.refuse) throw new DtmFailureError('refused by the initiator');
    });
  } catch (error) {
    // the query-back came first and prevented the local transaction
    if (!(error instanceof DtmFailureError) && !(error instanceof DtmDuplicatedError)) throw error;
    return (await coordinator.isAccepted('abort', body)) ? 'failed' : undefined;
  }
  environment.maybeCrash();
  // refused when a query-back came first: the coordinator then delivers the message
  await coordinator.isAccepted('submit', body);
  return 'succeed';
}

/** Transfers by XA. */
export async function transferByXa(
  environment: InitiatorEnvironment,
  gid: string,
  transfer: Transfer,
): Promise<FinalStatus | undefined> {
  const { coordinator, participants } = environment;
  const body = { ...OPTIONS, gid, trans_type: 'xa' };
  if (!(await coordinator.isAccepted('prepare', body))) return undefined;
  for (const [index, path] of ['/xa/out', '/xa/in'].entries()) {
    environment.maybeCrash();
    const query = { gid, trans_type: 'xa', branch_id: `0${index + 1}`, op: 'action' };
    if ((await callBranch(participants.url(path), query, JSON.stringify(transfer))) !== 'succeed') {
      return (await coordinator.isAccepted('abort', body)) ? 'failed' : undefined;
    }
  }
  environment.maybeCrash();
  return (await coordinator.isAccepted('submit', body)) ? 'succeed' : 'failed';
}

const WORKFLOW = 'transfer';

interface Progress {
  readonly branch_id: string;
  readonly op: string;
  readonly status: FinalStatus;
}

/** A workflow with two branches. When the second fails, the workflow undoes the first. */
export class TransferWorkflow {
  readonly #environment: InitiatorEnvironment;

  /** Also handles the workflow calls of the coordinator. */
  constructor(environment: InitiatorEnvironment) {
    this.#environment = environment;
    environment.participants.answer('/workflow', async ({ gid, op, body }: BranchRequest) => {
      if (op !== WORKFLOW) throw new Error(`workflow ${op} does not exist`);
      if ((await this.#execute(gid, body, () => undefined)) === 'failed')
        throw new DtmFailureError('the workflow failed');
    });
  }

  /** Runs the workflow from its recorded progress. */
  run(gid: string, transfer: Transfer): Promise<FinalStatus> {
    return this.#execute(gid, JSON.stringify(transfer), () => this.#environment.maybeCrash());
  }

  async #execute(gid: string, data: string, maybeCrash: () => void): Promise<FinalStatus> {
    const { coordinator, participants } = this.#environment;
    const own = { gid, trans_type: 'workflow' };
    const { status, body } = await coordinator.ask('prepareWorkflow', {
      ...own,
      ...OPTIONS,
      query_prepared: participants.url('/workflow'),
      custom_data: JSON.stringify({ data: Buffer.from(data).toString('base64'), name: WORKFLOW }),
    });
    if (status !== 200) throw new Error(`prepareWorkflow: ${status} ${JSON.stringify(body)}`);
    const stored = body as { progresses: Progress[]; transaction: { status: 'prepared' | FinalStatus } };
    if (stored.transaction.status !== 'prepared') return stored.transaction.status;

    /** Calls a branch once and records the result. */
    const record = async (branchId: string, op: 'action' | 'rollback', path: string): Promise<FinalStatus> => {
      const done = stored.progresses.find((progress) => progress.branch_id === branchId && progress.op === op);
      if (done) return done.status;
      maybeCrash();
      const end = await callBranch(participants.url(path), { ...own, branch_id: branchId, op }, data);
      maybeCrash();
      const progress = { ...own, branch_id: branchId, op, status: end, data: '' };
      if (!(await coordinator.isAccepted('registerBranch', progress)))
        throw new Error('another run recorded the branch first');
      return end;
    };

    let end = await record('01', 'action', '/workflow/out');
    if (end === 'succeed') {
      end = await record('02', 'action', '/workflow/in');
      if (end === 'failed') await record('01', 'rollback', '/workflow/out');
    }
    maybeCrash();
    if (!(await coordinator.isAccepted('submit', { ...own, req_extra: { status: end } }))) {
      throw new Error('another run ended the workflow differently');
    }
    return end;
  }
}

/** Calls a branch. @throws Error when the outcome is unknown */
async function callBranch(url: string, query: Readonly<Record<string, string>>, body: string): Promise<FinalStatus> {
  const answer = await request(url, { method: 'POST', query, body });
  const text = await answer.body.text();
  if (answer.statusCode === 200) return 'succeed';
  if (answer.statusCode === 409) return 'failed';
  throw new Error(`${url}: ${answer.statusCode} ${text}`);
}
