import { DtmService } from 'nestjs-dtm';
import { DtmFailureError } from 'nestjs-dtm/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDtmcliBank } from '../../services/dtmcli.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { freshName } from '../../support/fresh-name.js';
import { ServeProcess } from '../cli/serve-process.js';
import { closeApps } from '../nest/app.js';
import { runOrder, startAccounts, transferStep, type Accounts, type OrderStep } from './dtmcli-bank.js';
import { startNestBank } from './nest-bank.js';

const services = requireOrSkip('dtmcli-go', 'dtmcli-java', 'dtmcli-python', 'mariadb');

type Bank = Awaited<ReturnType<typeof startDtmcliBank>>;

describe.skipIf(!services.available)(services.title('Go, Java, Python and Nest with one barrier table'), () => {
  let accounts: Accounts;
  let [go, java, python]: Bank[] = [];
  let nest: { readonly url: string };

  beforeAll(async () => {
    accounts = await startAccounts();
    const { mariadb } = accounts;
    java = await startDtmcliBank({ language: 'java', mariadb });
    go = await startDtmcliBank({ language: 'go', mariadb });
    python = await startDtmcliBank({ language: 'python', mariadb });
    nest = await startNestBank(accounts.pool, {});
  });
  afterAll(async () => {
    await closeApps();
    for (const bank of [go, java, python]) await bank?.stop();
    await accounts?.stop();
  });
  beforeEach(() => accounts.reset());

  /** Three banks receive an amount each, and the Nest application pays it to all of them. */
  const steps = (amount: number): OrderStep[] => [
    transferStep(java!, 'TransIn', 2, amount),
    transferStep(python!, 'TransIn', 3, amount),
    transferStep(go!, 'TransIn', 4, amount),
    {
      action: `${nest.url}/bank/transOut`,
      compensate: `${nest.url}/bank/transOutRevert`,
      payload: { userId: 1, amount: 3 * amount },
    },
  ];

  it('a saga of four languages succeeds', async () => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = { server: serve.base, mode: 'saga', gid, steps: steps(30), options: { wait_result: true } } as const;
    expect(await runOrder(python!, order)).toEqual([null]);
    expect(await accounts.balances()).toEqual({ 1: 10, 2: 130, 3: 130, 4: 130 });
    expect(await accounts.barrierRows(gid)).toEqual([
      '01 action action',
      '02 action action',
      '03 action action',
      '04 action action',
    ]);
  });

  it('a saga of four languages is taken back, and each barrier finds its null compensation', async () => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = { server: serve.base, mode: 'saga', gid, steps: steps(50), options: { wait_result: true } } as const;
    expect(await runOrder(go!, order)).toEqual([expect.stringContaining('Insufficient balance')]);
    await expect.poll(() => serve.statusOf(gid)).toBe('failed');
    expect(await accounts.balances()).toEqual({ 1: 100, 2: 100, 3: 100, 4: 100 });
    expect((await accounts.barrierRows(gid)).filter((row) => row.startsWith('04'))).toEqual([
      '04 action compensate',
      '04 compensate compensate',
    ]);
  });

  it.each([
    ['Go', () => go!],
    ['Java', () => java!],
    ['Python', () => python!],
  ])('a branch in %s that was refused is not undone', async (_, bank) => {
    const [serve, gid] = [await ServeProcess.start(), freshName('g')];
    const order = {
      server: serve.base,
      mode: 'saga',
      gid,
      steps: [transferStep(bank(), 'TransOut', 1, 300)],
      options: { wait_result: true },
    } as const;
    expect(await runOrder(go!, order)).toEqual([expect.stringContaining('FAILURE')]);
    expect(await serve.statusOf(gid)).toBe('failed');
    expect(await accounts.balances()).toMatchObject({ 1: 100 });
    expect((await accounts.barrierRows(gid)).toSorted()).toEqual(['01 action compensate', '01 compensate compensate']);
  });

  it('Nest begins a TCC with branches in Go, Java and Python', async () => {
    const serve = await ServeProcess.start();
    const { app } = await startNestBank(accounts.pool, { dtm: { server: serve.base }, listen: false });
    await app.init();
    const dtm = app.get(DtmService);
    const transfer = (amount: number): Promise<unknown> =>
      dtm.tcc(
        async (tcc) => {
          for (const [bank, method, userId] of [
            [java!, 'TransIn', 2],
            [python!, 'TransIn', 3],
            [go!, 'TransOut', 1],
          ] as const) {
            const step = transferStep(bank, method, userId, amount);
            const urls = { try: step.action, confirm: step.confirm!, cancel: step.compensate! };
            expect(await tcc.call(urls, step.payload)).toBeUndefined();
          }
        },
        { waitResult: true },
      );
    await transfer(30);
    expect(await accounts.balances()).toMatchObject({ 1: 70, 2: 130, 3: 130 });
    await expect(transfer(300)).rejects.toThrow(DtmFailureError);
    await expect.poll(() => accounts.balances()).toMatchObject({ 1: 70, 2: 130, 3: 130 });
  });
});
