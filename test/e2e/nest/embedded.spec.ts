import { Controller } from '@nestjs/common';
import {
  Branch,
  BranchPayload,
  DtmFailureError,
  DtmService,
  SagaBranch,
  TccAction,
  branchOf,
  type BranchContext,
} from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeApps, startApp } from './app.js';
import { platforms } from './platforms.js';

const calls: string[] = [];

@Controller('bank')
class BankController {
  @SagaBranch({ compensate: 'undoOut' })
  out(@BranchPayload() amount: number, @Branch() { branchId }: BranchContext): void {
    calls.push(`${branchId} out ${amount}`);
  }
  undoOut(@BranchPayload() amount: number, @Branch() { branchId }: BranchContext): void {
    calls.push(`${branchId} undoOut ${amount}`);
  }

  @SagaBranch({ compensate: 'undoIn' })
  in(@BranchPayload() amount?: number): void {
    if (amount === 13) throw new DtmFailureError('13 brings bad luck');
    calls.push(`in ${amount}`);
  }
  undoIn(@BranchPayload() amount?: number): void {
    calls.push(`undoIn ${amount}`);
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  freeze(@BranchPayload() amount: number): string {
    if (amount === 13) throw new DtmFailureError('13 brings bad luck');
    calls.push(`freeze ${amount}`);
    return `${amount} frozen`;
  }
  confirm(@BranchPayload() amount: number): void {
    calls.push(`confirm ${amount}`);
  }
  cancel(@BranchPayload() amount: number): void {
    calls.push(`cancel ${amount}`);
  }
}

describe.each(platforms)('with the embedded coordinator on %s', (platform) => {
  let dtm: DtmService;

  beforeEach(async () => {
    calls.length = 0;
    const server = embeddedServer({ store: memoryStore() });
    const { app } = await startApp({
      platform,
      controllers: [BankController],
      dtm: { server, endpoint: { over: 'http' } },
    });
    dtm = app.get(DtmService);
  });
  afterEach(closeApps);

  test('a saga runs to its end', async () => {
    const gid = await dtm
      .saga()
      .add(branchOf(BankController, 'out'), 30)
      .add(branchOf(BankController, 'in'), undefined)
      .submit({ waitResult: true });
    expect(calls).toEqual(['01 out 30', 'in undefined']);
    expect((await dtm.query(gid))?.transaction.status).toBe('succeed');
  });

  test('a saga is rolled back', async () => {
    const saga = dtm
      .saga({ gid: 'bad' })
      .add(branchOf(BankController, 'out'), 30)
      .add(branchOf(BankController, 'in'), 13);
    await expect(saga.submit({ waitResult: true })).rejects.toThrow(/13 brings bad luck/);
    expect(calls).toEqual(['01 out 30', 'undoIn 13', '01 undoOut 30']);
    expect((await dtm.query('bad'))?.transaction.status).toBe('failed');
  });

  test('a TCC is confirmed', async () => {
    expect(await dtm.tcc((tcc) => tcc.call(branchOf(BankController, 'freeze'), 30), { waitResult: true })).toBe(
      '30 frozen',
    );
    expect(calls).toEqual(['freeze 30', 'confirm 30']);
  });

  test('a TCC is cancelled', async () => {
    const work = dtm.tcc(
      async (tcc) => {
        await tcc.call(branchOf(BankController, 'freeze'), 30);
        await tcc.call(branchOf(BankController, 'freeze'), 13);
      },
      { gid: 'bad' },
    );
    await expect(work).rejects.toThrow('13 brings bad luck');
    await expect.poll(async () => (await dtm.query('bad'))?.transaction.status).toBe('failed');
    expect(calls).toEqual(['freeze 30', 'cancel 13', 'cancel 30']);
  });
});
