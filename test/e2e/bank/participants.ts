import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BranchBarrier } from 'nestjs-dtm/barrier';
import { DtmFailureError, type TransType } from 'nestjs-dtm/protocol';
import type { Bank } from './bank.js';
import type { Transfer } from './bank-app.js';
import type { CoordinatorClient } from './coordinator-client.js';
import type { XaBank } from './xa-bank.js';

/** A request from the coordinator, or from an initiator. */
export interface BranchRequest {
  readonly gid: string;
  readonly transType: TransType;
  readonly branchId: string;
  readonly op: string;
  readonly body: string;
}

/** Handles a request; throws to fail. */
export type BranchHandler = (request: BranchRequest) => Promise<void>;

/** Environment of the participants. */
export interface ParticipantsOptions {
  readonly banks: readonly [Bank, Bank];
  readonly xa: readonly [XaBank, XaBank];
  readonly coordinator: CoordinatorClient;
}

/** Branches of messages, XA transactions and workflows, without a framework. */
export class Participants {
  readonly #handlers = new Map<string, BranchHandler>();
  readonly #server = createServer((request, response) => {
    this.#handle(request).then(
      () => response.end('{"dtm_result":"SUCCESS"}'),
      (error: unknown) => {
        response.statusCode = error instanceof DtmFailureError ? 409 : 500;
        response.end(JSON.stringify({ message: String(error) }));
      },
    );
  });

  private constructor({ banks, xa, coordinator }: ParticipantsOptions) {
    const [bankOut, bankIn] = banks;
    // each branch changes one account of one bank
    const change = (bank: Bank, request: BranchRequest): Promise<void> => changeOnce(bank, request, bank === bankIn);
    this.answer('/msg/in', (request) => change(bankIn, request));
    this.answer('/msg/query', (request) => queryPrepared(bankOut, request));
    this.answer('/workflow/out', (request) => change(bankOut, request));
    this.answer('/workflow/in', (request) => change(bankIn, request));
    this.answer('/xa/out', (request) => this.#xa(xa[0], coordinator, request, '/xa/out'));
    this.answer('/xa/in', (request) => this.#xa(xa[1], coordinator, request, '/xa/in'));
  }

  /** Starts the participants on a free port. */
  static async start(options: ParticipantsOptions): Promise<Participants> {
    const participants = new Participants(options);
    await new Promise<void>((resolve) => void participants.#server.listen(0, '127.0.0.1', resolve));
    return participants;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Sets the handler of a path. */
  answer(path: string, handler: BranchHandler): void {
    this.#handlers.set(path, handler);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://participants');
    const text = (name: string): string => searchParams.get(name) ?? '';
    await this.#handlers.get(pathname)!({
      gid: text('gid'),
      transType: text('trans_type') as TransType,
      branchId: text('branch_id'),
      op: text('op'),
      body: Buffer.concat(chunks).toString(),
    });
  }

  /** Handles both phases, which share one URL. */
  async #xa(bank: XaBank, coordinator: CoordinatorClient, request: BranchRequest, path: string): Promise<void> {
    const { gid, branchId, op, body } = request;
    if (op === 'commit') return bank.commit(request);
    if (op === 'rollback') return bank.rollback(request);
    const { from, to, amount, refuse } = JSON.parse(body) as Transfer;
    const [user, change] = path === '/xa/out' ? [from, -amount] : [to, amount];
    await bank.prepare(request, user, change, async () => {
      if (refuse && path === '/xa/in') throw new DtmFailureError('refused on purpose');
      const branch = { gid, trans_type: 'xa', branch_id: branchId, url: this.url(path) };
      if (!(await coordinator.isAccepted('registerBranch', branch)))
        throw new DtmFailureError('the registration was refused');
    });
  }
}

/** Executes or undoes one side of a transfer, at most once. */
async function changeOnce(bank: Bank, request: BranchRequest, isReceiver: boolean): Promise<void> {
  const { from, to, amount, refuse } = JSON.parse(request.body) as Transfer;
  const [user, change] = isReceiver ? [to, amount] : [from, -amount];
  const barrier = new BranchBarrier({ ...request, op: request.op });
  const isForward = request.op === 'action';
  await barrier.call(bank.adapter, async (tx) => {
    await bank.change(tx, barrier.context, user, isForward ? change : -change);
    // a message delivery cannot fail
    if (refuse && isForward && isReceiver && request.transType !== 'msg')
      throw new DtmFailureError('refused on purpose');
  });
}

/** Answers whether the local transaction of a message committed; if not, prevents a later commit. */
async function queryPrepared(bank: Bank, { gid }: BranchRequest): Promise<void> {
  const row = { transType: 'msg', gid, branchId: '00', op: 'msg', barrierId: '01', reason: 'rollback' } as const;
  await bank.adapter.transaction((tx) => bank.adapter.insert(tx, row));
  const { rows } = await bank.database.query(
    `select reason from dtm_barrier.barrier where gid = $1 and branch_id = '00' and op = 'msg' and barrier_id = '01'`,
    [gid],
  );
  if ((rows[0] as { reason: string }).reason === 'rollback')
    throw new DtmFailureError('the local transaction was rolled back');
}
