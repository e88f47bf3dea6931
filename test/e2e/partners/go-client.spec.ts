import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDtmcliBank } from '../../services/dtmcli.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { freshName } from '../../support/fresh-name.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { Participant, type Reply } from '../../support/participant.js';
import { ServeProcess } from '../cli/serve-process.js';
import { runOrder, startAccounts, transferStep, type Accounts, type Order, type OrderStep } from './dtmcli-bank.js';

/*
 * dtm's Go client against `serve`. The tests assert what dtm's own tests of the same names assert.
 */

type Bank = Awaited<ReturnType<typeof startDtmcliBank>>;

const SUCCESS: Reply = {};
const FAILURE: Reply = { status: 409, body: '{"error":"Insufficient balance FAILURE"}' };
const ONGOING: Reply = { status: 425, body: '{"error":"ONGOING"}' };
const ERROR: Reply = { status: 500, body: '{"error":"should be retried"}' };

/** A due time that no test waits for. */
const NEVER = { retry_interval: 3600 };

const goClient = requireOrSkip('dtmcli-go');

describe.skipIf(!goClient.available)(goClient.title("dtm's Go client with serve"), () => {
  let go: Bank;

  beforeAll(async () => {
    go = await startDtmcliBank({ language: 'go' });
  });
  afterAll(() => go?.stop());

  /** Runs the transfer of dtm's tests, with the participant as the bank of both users. */
  async function run(serve: ServeProcess, bank: Participant, order: Partial<Order> = {}): Promise<(string | null)[]> {
    const steps = ['TransOut', 'TransIn'].map((method) => stepOf(bank, method));
    return runOrder(go, { server: serve.base, mode: 'saga', gid: freshName('g'), steps, ...order });
  }

  /** Statuses of the branches, as `branch op status`. */
  async function branchesOf(serve: ServeProcess, gid: string): Promise<string[]> {
    const { branches } = await query(serve, gid);
    return branches.map(({ branch_id, op, status }) => `${branch_id} ${op} ${status}`);
  }

  it('TestSagaNormal, TestSagaOptionsNormalWait: a waiting submit gets the result', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    expect(await run(serve, bank, { gid, options: { wait_result: true } })).toEqual([null]);
    expect(await serve.statusOf(gid)).toBe('succeed');
    expect(await branchesOf(serve, gid)).toEqual([
      '01 compensate prepared',
      '01 action succeed',
      '02 compensate prepared',
      '02 action succeed',
    ]);
  });

  it('TestSagaOptionsRollbackWait: the error of the failed step reaches the waiting submit', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransIn', FAILURE);
    const errors = await run(serve, bank, { gid, options: { wait_result: true } });
    expect(errors).toEqual([expect.stringContaining('Insufficient balance')]);
    expect(await serve.statusOf(gid)).toBe('failed');
    expect(await branchesOf(serve, gid)).toEqual([
      '01 compensate succeed',
      '01 action succeed',
      '02 compensate succeed',
      '02 action failed',
    ]);
  });

  it('TestSagaOptionsCommittedOngoingWait: an ongoing step leaves the saga submitted', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransOut', ONGOING);
    const errors = await run(serve, bank, { gid, options: { wait_result: true, request_timeout: 1, ...NEVER } });
    expect(errors).toEqual([expect.any(String)]);
    expect(await serve.statusOf(gid)).toBe('submitted');
  });

  it('TestSagaGlobalTransWithRetryLimitYes: a saga is decided within the submit when a retry succeeds', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransIn', ERROR, ERROR, ERROR, SUCCESS);
    expect(await run(serve, bank, { gid, options: { wait_result: true, retry_limit: 3 } })).toEqual([null]);
    expect(await serve.statusOf(gid)).toBe('succeed');
    expect(bank.to('/TransIn')).toHaveLength(4);
    expect(await branchesOf(serve, gid)).toEqual([
      '01 compensate prepared',
      '01 action succeed',
      '02 compensate prepared',
      '02 action succeed',
    ]);
  });

  it('TestSagaGlobalTransWithRetryLimitNo: a saga is taken back within the submit after the last retry', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransIn', ERROR);
    expect(await run(serve, bank, { gid, options: { wait_result: true, retry_limit: 1 } })).toEqual([
      expect.any(String),
    ]);
    expect(await serve.statusOf(gid)).toBe('failed');
    expect(bank.to('/TransIn')).toHaveLength(2);
    expect(await branchesOf(serve, gid)).toEqual([
      '01 compensate succeed',
      '01 action succeed',
      '02 compensate succeed',
      '02 action prepared',
    ]);
    const { transaction } = await query(serve, gid);
    expect(transaction.rollback_reason).toBe('RetryCount is greater than RetryLimit, RetryLimit: 1');
  });

  it('TestSagaAbnormal: a submit makes a submitted saga due at once, and a saga that succeeded is not submitted', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransOut', ONGOING, SUCCESS);
    expect(await run(serve, bank, { gid, options: NEVER })).toEqual([null]);
    await bank.received(1);
    await expect.poll(() => run(serve, bank, { gid, options: NEVER })).toEqual([expect.any(String)]);
    expect(await serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines).toEqual(['POST /TransOut', 'POST /TransOut', 'POST /TransIn']);
  });

  it('TestSagaEmptyUrl: steps without URLs succeed', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    const payload = { amount: 30 };
    const steps = [
      { action: bank.url('/TransOut'), payload },
      { action: '', payload },
    ];
    expect(await run(serve, bank, { gid, steps, options: { wait_result: true } })).toEqual([null]);
    expect(await serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines).toEqual(['POST /TransOut']);
  });

  it('TestSagaHeaders: branch headers reach the branches', async () => {
    const [serve, bank] = [await ServeProcess.start(), await Participant.start()];
    const options = { wait_result: true, branch_headers: { test_header: 'test' } };
    expect(await run(serve, bank, { options })).toEqual([null]);
    expect(bank.requests.map(({ headers }) => headers['test_header'])).toEqual(['test', 'test']);
  });

  it('TestSagaConNormal: a concurrent saga succeeds', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    expect(await run(serve, bank, { gid, options: { wait_result: true, concurrent: true } })).toEqual([null]);
    expect(await serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines.toSorted()).toEqual(['POST /TransIn', 'POST /TransOut']);
  });

  it('TestSagaConRollbackOrder: a step whose predecessor failed is not called', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransOut', FAILURE);
    const options = { wait_result: true, concurrent: true };
    expect(await run(serve, bank, { gid, options, orders: { 1: [0] } })).toEqual([expect.any(String)]);
    expect(await serve.statusOf(gid)).toBe('failed');
    expect(bank.lines).toEqual(['POST /TransOut', 'POST /TransOutRevert']);
  });

  it('TestTccNormal: tries of the client, confirms of the coordinator', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    expect(await run(serve, bank, { mode: 'tcc', gid })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines.slice(0, 2)).toEqual(['POST /TransOut', 'POST /TransIn']);
    expect(bank.lines.slice(2).toSorted()).toEqual(['POST /TransInConfirm', 'POST /TransOutConfirm']);
  });

  it('TestTccRollback: a failed try cancels every branch', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    bank.answer('/TransIn', FAILURE);
    expect(await run(serve, bank, { mode: 'tcc', gid })).toEqual([expect.stringContaining('FAILURE')]);
    await expect.poll(() => serve.statusOf(gid)).toBe('failed');
    expect(bank.lines).toEqual(['POST /TransOut', 'POST /TransIn', 'POST /TransInRevert', 'POST /TransOutRevert']);
    expect((await query(serve, gid)).transaction.rollback_reason).toContain('FAILURE');
  });

  it('TestMsgNormal: a message is delivered', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    expect(await run(serve, bank, { mode: 'msg', gid, calls: ['prepare', 'submit'] })).toEqual([null, null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines).toEqual(['POST /TransOut', 'POST /TransIn']);
  });

  it('TestMsgTimeoutSuccess: the query-back decides for a message that was only prepared', async () => {
    const serve = await ServeProcess.start({ env: { TIMEOUT_TO_FAIL: '1', TRANS_CRON_INTERVAL: '1' } });
    const [bank, gid] = [await Participant.start(), freshName('g')];
    const order = { gid, calls: ['prepare'], queryPrepared: bank.url('/QueryPrepared') } as const;
    expect(await run(serve, bank, { mode: 'msg', ...order, options: { timeout_to_fail: 1 } })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(bank.lines).toEqual(['GET /QueryPrepared', 'POST /TransOut', 'POST /TransIn']);
  });

  it('TestMsgTimeoutFailed: the query-back fails a message that was only prepared', async () => {
    const serve = await ServeProcess.start({ env: { TIMEOUT_TO_FAIL: '1', TRANS_CRON_INTERVAL: '1' } });
    const [bank, gid] = [await Participant.start(), freshName('g')];
    bank.answer('/QueryPrepared', FAILURE);
    const order = { gid, calls: ['prepare'], queryPrepared: bank.url('/QueryPrepared') } as const;
    expect(await run(serve, bank, { mode: 'msg', ...order, options: { timeout_to_fail: 1 } })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('failed');
    expect(bank.lines).toEqual(['GET /QueryPrepared']);
  });

  it('TestMsgAbnormal: a message that was submitted cannot be prepared', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    const calls = ['prepare', 'prepare', 'submit'] as const;
    expect(await run(serve, bank, { mode: 'msg', gid, calls })).toEqual([null, null, null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(await run(serve, bank, { mode: 'msg', gid, calls: ['prepare'] })).toEqual([expect.any(String)]);
  });

  it('a saga over JSON-RPC', async () => {
    const [serve, bank, gid] = [await ServeProcess.start(), await Participant.start(), freshName('g')];
    const server = serve.base.replace('/api/dtmsvr', '/api/json-rpc');
    const order = { server, protocol: 'json-rpc', options: { wait_result: true } } as const;
    expect(await run(serve, bank, { gid, ...order })).toEqual([null]);
    expect(await serve.statusOf(gid)).toBe('succeed');
  });

  describe('over gRPC', () => {
    async function startGrpcBank(): Promise<GrpcParticipant> {
      const bank = await GrpcParticipant.start();
      for (const method of ['TransOut', 'TransIn']) {
        for (const suffix of ['', 'Revert', 'Confirm']) bank.answer(`busi.Busi/${method}${suffix}`, REPLIES.success);
      }
      return bank;
    }

    function orderFor(serve: ServeProcess, bank: GrpcParticipant, order: Pick<Order, 'mode'> & Partial<Order>): Order {
      const steps = ['TransOut', 'TransIn'].map((method) => ({
        action: bank.url(`busi.Busi/${method}`),
        compensate: bank.url(`busi.Busi/${method}Revert`),
        confirm: bank.url(`busi.Busi/${method}Confirm`),
        payload: { amount: 30 },
      }));
      return { server: serve.row('gRPC'), protocol: 'grpc', gid: freshName('g'), steps, ...order };
    }

    it('TestSagaGrpcNormal: a saga', async () => {
      const [serve, bank] = [await ServeProcess.start(), await startGrpcBank()];
      const options = { wait_result: true };
      expect(await runOrder(go, orderFor(serve, bank, { mode: 'saga', options }))).toEqual([null]);
      expect(bank.lines).toEqual(['/busi.Busi/TransOut 01 action', '/busi.Busi/TransIn 02 action']);
    });

    it('TestSagaGrpcRollback: a saga whose second step fails', async () => {
      const [serve, bank, gid] = [await ServeProcess.start(), await startGrpcBank(), freshName('g')];
      bank.answer('busi.Busi/TransIn', REPLIES.failure);
      const errors = await runOrder(go, orderFor(serve, bank, { mode: 'saga', gid, options: { wait_result: true } }));
      expect(errors).toEqual([expect.stringContaining('FAILURE')]);
      expect(await serve.statusOf(gid)).toBe('failed');
    });

    it('TestTccGrpcNormal, TestTccGrpcRollback: TCC', async () => {
      const [serve, bank] = [await ServeProcess.start(), await startGrpcBank()];
      const [confirmed, cancelled] = [freshName('g'), freshName('g')];
      expect(await runOrder(go, orderFor(serve, bank, { mode: 'tcc', gid: confirmed }))).toEqual([null]);
      await expect.poll(() => serve.statusOf(confirmed)).toBe('succeed');
      bank.answer('busi.Busi/TransIn', REPLIES.failure);
      const errors = await runOrder(go, orderFor(serve, bank, { mode: 'tcc', gid: cancelled }));
      expect(errors).toEqual([expect.any(String)]);
      await expect.poll(() => serve.statusOf(cancelled)).toBe('failed');
    });

    it('TestMsgGrpcNormal: a message', async () => {
      const [serve, bank, gid] = [await ServeProcess.start(), await startGrpcBank(), freshName('g')];
      const order = orderFor(serve, bank, { mode: 'msg', gid, calls: ['prepare', 'submit'] });
      expect(await runOrder(go, order)).toEqual([null, null]);
      await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    });
  });
});

const onMariadb = requireOrSkip('dtmcli-go', 'mariadb');

describe.skipIf(!onMariadb.available)(onMariadb.title('a bank on the Go client with serve'), () => {
  let accounts: Accounts;
  let go: Bank;

  beforeAll(async () => {
    accounts = await startAccounts();
    go = await startDtmcliBank({ language: 'go', mariadb: accounts.mariadb });
  });
  afterAll(async () => {
    await go?.stop();
    await accounts?.stop();
  });
  beforeEach(() => accounts.reset());

  const transfer = (amount: number): OrderStep[] => [
    transferStep(go, 'TransIn', 2, amount),
    transferStep(go, 'TransOut', 1, amount),
  ];

  it.each([
    ['saga', 30, 'succeed', { 1: 70, 2: 130 }],
    ['saga', 300, 'failed', { 1: 100, 2: 100 }],
    ['tcc', 30, 'succeed', { 1: 70, 2: 130 }],
    ['tcc', 300, 'failed', { 1: 100, 2: 100 }],
  ] as const)('its barrier: %s of %i', async (mode, amount, status, balances) => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = { server: serve.base, mode, gid, steps: transfer(amount), options: { wait_result: true } };
    const [error] = await runOrder(go, order);
    expect(error === null).toBe(status === 'succeed');
    await expect.poll(() => serve.statusOf(gid)).toBe(status);
    expect(await accounts.balances()).toMatchObject(balances);
  });

  it('TestMsgDoAndSubmit: a message with its local transaction', async () => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = {
      mode: 'msg',
      calls: ['doAndSubmit'],
      queryPrepared: `${go.url}/QueryPrepared`,
      steps: [transferStep(go, 'TransIn', 2, 30)],
    } as const;
    expect(await runOrder(go, { ...order, server: serve.base, gid, local: { userId: 1, amount: 30 } })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(await accounts.balances()).toMatchObject({ 1: 70, 2: 130 });

    const refused = { ...order, server: serve.base, gid: freshName('g'), local: { userId: 1, amount: 300 } };
    expect(await runOrder(go, refused)).toEqual([expect.stringContaining('Insufficient balance')]);
    await expect.poll(() => serve.statusOf(refused.gid)).toBe('failed');
    expect(await accounts.balances()).toMatchObject({ 1: 70, 2: 130 });
  });

  it.each([
    ['TestXaNormal', 30, 'succeed', { 1: 70, 2: 130 }],
    ['TestXaRollback', 300, 'failed', { 1: 100, 2: 100 }],
  ] as const)('%s: XA of %i', async (_, amount, status, balances) => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const steps = [transferStep(go, 'XaTransIn', 2, amount), transferStep(go, 'XaTransOut', 1, amount)];
    const [error] = await runOrder(go, { server: serve.base, mode: 'xa', gid, steps });
    expect(error === null).toBe(status === 'succeed');
    await expect.poll(() => serve.statusOf(gid)).toBe(status);
    expect(await accounts.balances()).toMatchObject(balances);
  });
});

function stepOf(bank: Participant, method: string): OrderStep {
  return {
    action: bank.url(`/${method}`),
    compensate: bank.url(`/${method}Revert`),
    confirm: bank.url(`/${method}Confirm`),
    payload: { amount: 30 },
  };
}

interface QueryAnswer {
  readonly transaction: { readonly status: string; readonly rollback_reason: string };
  readonly branches: readonly { readonly branch_id: string; readonly op: string; readonly status: string }[];
}

async function query(serve: ServeProcess, gid: string): Promise<QueryAnswer> {
  return (await (await fetch(`${serve.base}/query?gid=${gid}`)).json()) as QueryAnswer;
}
