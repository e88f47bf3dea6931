import { request } from 'undici';
import { BranchBarrier } from 'nestjs-dtm/barrier';
import { DtmDuplicatedError, DtmFailureError } from 'nestjs-dtm/protocol';
import type { Bank } from './bank.js';
import type { Transfer } from './bank-app.js';
import type { CoordinatorClient } from './coordinator-client.js';
import type { BranchRequest, Participants } from './participants.js';

/** How a transaction ends, as its initiator was told. */
export type End = 'succeed' | 'failed';

/** An initiator that dies in the middle: nobody but the coordinator brings its transaction to an end. */
export class InitiatorDied extends Error {}

/** What initiators of messages, XA transactions and workflows work with; they are those of other SDKs, without retries. */
export interface InitiatorWorld {
  readonly bankOut: Bank;
  readonly coordinator: CoordinatorClient;
  readonly participants: Participants;
  /** Throws {@link InitiatorDied} now and then. */
  mayDie(): void;
}

const OPTIONS = { retry_interval: 1, timeout_to_fail: 2 };

/** By message: the payer is debited in the initiator's own transaction, the receiver by delivery. */
export async function transferByMessage(
  world: InitiatorWorld,
  gid: string,
  transfer: Transfer,
): Promise<End | undefined> {
  const { bankOut, coordinator, participants } = world;
  const body = {
    ...OPTIONS,
    gid,
    trans_type: 'msg',
    query_prepared: participants.url('/msg/query'),
    steps: [{ action: participants.url('/msg/in') }],
    payloads: [JSON.stringify(transfer)],
  };
  if (!(await coordinator.isAccepted('prepare', body))) return undefined;
  world.mayDie();
  const barrier = new BranchBarrier({ transType: 'msg', gid, branchId: '00', op: 'msg' });
  try {
    await barrier.call(bankOut.adapter, async (tx) => {
      await bankOut.change(tx, barrier.context, transfer.from, -transfer.amount);
      if (transfer.refuse) throw new DtmFailureError('changed its mind');
    });
  } catch (error) {
    // the coordinator asked before, and was told that it never will
    if (!(error instanceof DtmFailureError) && !(error instanceof DtmDuplicatedError)) throw error;
    return (await coordinator.isAccepted('abort', body)) ? 'failed' : undefined;
  }
  world.mayDie();
  // refused when the coordinator has asked meanwhile: it delivers
  await coordinator.isAccepted('submit', body);
  return 'succeed';
}

/** By XA. */
export async function transferByXa(world: InitiatorWorld, gid: string, transfer: Transfer): Promise<End | undefined> {
  const { coordinator, participants } = world;
  const body = { ...OPTIONS, gid, trans_type: 'xa' };
  if (!(await coordinator.isAccepted('prepare', body))) return undefined;
  for (const [index, path] of ['/xa/out', '/xa/in'].entries()) {
    world.mayDie();
    const query = { gid, trans_type: 'xa', branch_id: `0${index + 1}`, op: 'action' };
    if ((await callBranch(participants.url(path), query, JSON.stringify(transfer))) !== 'succeed') {
      return (await coordinator.isAccepted('abort', body)) ? 'failed' : undefined;
    }
  }
  world.mayDie();
  return (await coordinator.isAccepted('submit', body)) ? 'succeed' : 'failed';
}

const WORKFLOW = 'transfer';

interface Progress {
  readonly branch_id: string;
  readonly op: string;
  readonly status: End;
}

/** A workflow that has two branches, and undoes the first when the second refuses. */
export class TransferWorkflow {
  readonly #world: InitiatorWorld;

  /** Also takes the calls of the coordinator to go on. */
  constructor(world: InitiatorWorld) {
    this.#world = world;
    world.participants.answer('/workflow', async ({ gid, op, body }: BranchRequest) => {
      if (op !== WORKFLOW) throw new Error(`there is no workflow ${op}`);
      if ((await this.#execute(gid, body, () => undefined)) === 'failed') throw new DtmFailureError('it failed');
    });
  }

  /** Runs it, or goes on where an earlier run ended. */
  run(gid: string, transfer: Transfer): Promise<End> {
    return this.#execute(gid, JSON.stringify(transfer), () => this.#world.mayDie());
  }

  async #execute(gid: string, data: string, mayDie: () => void): Promise<End> {
    const { coordinator, participants } = this.#world;
    const own = { gid, trans_type: 'workflow' };
    const { status, body } = await coordinator.ask('prepareWorkflow', {
      ...own,
      ...OPTIONS,
      query_prepared: participants.url('/workflow'),
      custom_data: JSON.stringify({ data: Buffer.from(data).toString('base64'), name: WORKFLOW }),
    });
    if (status !== 200) throw new Error(`prepareWorkflow: ${status} ${JSON.stringify(body)}`);
    const stored = body as { progresses: Progress[]; transaction: { status: 'prepared' | End } };
    if (stored.transaction.status !== 'prepared') return stored.transaction.status;

    /** Does something once and keeps what came of it. */
    const record = async (branchId: string, op: 'action' | 'rollback', path: string): Promise<End> => {
      const done = stored.progresses.find((progress) => progress.branch_id === branchId && progress.op === op);
      if (done) return done.status;
      mayDie();
      const end = await callBranch(participants.url(path), { ...own, branch_id: branchId, op }, data);
      mayDie();
      const progress = { ...own, branch_id: branchId, op, status: end, data: '' };
      if (!(await coordinator.isAccepted('registerBranch', progress))) throw new Error('another run was faster');
      return end;
    };

    let end = await record('01', 'action', '/workflow/out');
    if (end === 'succeed') {
      end = await record('02', 'action', '/workflow/in');
      if (end === 'failed') await record('01', 'rollback', '/workflow/out');
    }
    mayDie();
    if (!(await coordinator.isAccepted('submit', { ...own, req_extra: { status: end } }))) {
      throw new Error('another run came to another end');
    }
    return end;
  }
}

/** Calls a branch. @throws Error when the outcome is not known */
async function callBranch(url: string, query: Readonly<Record<string, string>>, body: string): Promise<End> {
  const answer = await request(url, { method: 'POST', query, body });
  const text = await answer.body.text();
  if (answer.statusCode === 200) return 'succeed';
  if (answer.statusCode === 409) return 'failed';
  throw new Error(`${url}: ${answer.statusCode} ${text}`);
}
