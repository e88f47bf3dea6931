import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDtmcliBank } from '../../services/dtmcli.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { freshName } from '../../support/fresh-name.js';
import { ServeProcess } from '../cli/serve-process.js';
import { runOrder, startAccounts, transferStep, type Accounts, type OrderStep } from './dtmcli-bank.js';

const services = requireOrSkip('dtmcli-python', 'mariadb');

describe.skipIf(!services.available)(services.title('a bank on dtmcli for Python with serve'), () => {
  let accounts: Accounts;
  let python: Awaited<ReturnType<typeof startDtmcliBank>>;

  beforeAll(async () => {
    accounts = await startAccounts();
    python = await startDtmcliBank({ language: 'python', mariadb: accounts.mariadb });
  });
  afterAll(async () => {
    await python?.stop();
    await accounts?.stop();
  });
  beforeEach(() => accounts.reset());

  const transfer = (amount: number): OrderStep[] => [
    transferStep(python, 'TransIn', 2, amount),
    transferStep(python, 'TransOut', 1, amount),
  ];

  it.each([
    ['saga', 30, 'succeed', { 1: 70, 2: 130 }],
    ['saga', 300, 'failed', { 1: 100, 2: 100 }],
    ['tcc', 30, 'succeed', { 1: 70, 2: 130 }],
    ['tcc', 300, 'failed', { 1: 100, 2: 100 }],
  ] as const)('initiates and takes part: %s of %i', async (mode, amount, status, balances) => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = { server: serve.base, mode, gid, steps: transfer(amount), options: { wait_result: true } };
    const [error] = await runOrder(python, order);
    expect(error === null).toBe(status === 'succeed');
    await expect.poll(() => serve.statusOf(gid)).toBe(status);
    expect(await accounts.balances()).toMatchObject(balances);
  });

  it('a message with its local transaction', async () => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = {
      server: serve.base,
      mode: 'msg',
      calls: ['doAndSubmit'],
      queryPrepared: `${python.url}/QueryPrepared`,
      steps: [transferStep(python, 'TransIn', 2, 30)],
    } as const;
    expect(await runOrder(python, { ...order, gid, local: { userId: 1, amount: 30 } })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('succeed');
    expect(await accounts.balances()).toMatchObject({ 1: 70, 2: 130 });
  });

  it('the query-back fails a message whose local transaction was not made', async () => {
    const serve = await ServeProcess.start({ env: { TRANS_CRON_INTERVAL: '1' } });
    const gid = freshName('g');
    const steps = [transferStep(python, 'TransIn', 2, 30)];
    const order = { mode: 'msg', calls: ['prepare'], queryPrepared: `${python.url}/QueryPrepared`, steps } as const;
    const options = { timeout_to_fail: 1 };
    expect(await runOrder(python, { ...order, server: serve.base, gid, options })).toEqual([null]);
    await expect.poll(() => serve.statusOf(gid)).toBe('failed');
    expect(await accounts.barrierRows(gid)).toEqual(['00 msg rollback']);
  });

  it('a repeated branch changes nothing', async () => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const step = transferStep(python, 'TransIn', 2, 30);
    const order = { server: serve.base, mode: 'saga', gid, steps: [step], options: { wait_result: true } } as const;
    expect(await runOrder(python, order)).toEqual([null]);

    const again = `${step.action}?gid=${gid}&trans_type=saga&branch_id=01&op=action`;
    expect((await fetch(again, { method: 'POST', body: JSON.stringify(step.payload) })).status).toBe(200);
    expect(await accounts.balances()).toMatchObject({ 2: 130 });
  });
});
