import { BadRequestException, Controller, type PipeTransform } from '@nestjs/common';
import {
  Branch,
  BranchPayload,
  DtmFailureError,
  DtmService,
  TccAction,
  branchOf,
  type BranchContext,
} from 'nestjs-dtm';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deferred, type Deferred } from '../../support/deferred.js';
import { waitUntil } from '../../support/wait-until.js';
import { closeApps, startApp } from './app.js';
import { platforms } from './platforms.js';

type How = 'refused' | 'awaited' | 'not awaited' | 'swallowed' | 'failing itself';

class RoomPipe implements PipeTransform {
  transform(how: How): How {
    if (how === 'refused') throw new BadRequestException('no such room');
    return how;
  }
}

const calls: string[] = [];
let hotel: Deferred<void>;

@Controller('trip')
class TripController {
  constructor(private readonly dtm: DtmService) {}

  @TccAction({ confirm: 'confirmBook', cancel: 'cancelBook' })
  async book(@BranchPayload() how: How, @Branch() context: BranchContext): Promise<void> {
    const reserved = this.dtm.nestedTcc(context).call(branchOf(TripController, 'reserve'), how);
    if (how === 'failing itself') throw new DtmFailureError('no trip');
    if (how === 'swallowed') await reserved.catch(() => undefined);
    if (how === 'awaited') await reserved;
    calls.push('booked');
  }
  confirmBook(): void {
    calls.push('confirmBook');
  }
  cancelBook(): void {
    calls.push('cancelBook');
  }

  @TccAction({ confirm: 'confirmReserve', cancel: 'cancelReserve' })
  async reserve(@BranchPayload(RoomPipe) how: How, @Branch() { branchId }: BranchContext): Promise<void> {
    await hotel.promise;
    if (how === 'swallowed') throw new DtmFailureError('no room');
    calls.push(`reserved ${branchId}`);
  }
  confirmReserve(): void {
    calls.push('confirmReserve');
  }
  cancelReserve(@BranchPayload(RoomPipe) _how: How): void {
    calls.push('cancelReserve');
  }
}

const rows = [...platforms.map((platform) => [platform, 'http'] as const), ['express', 'in-process'] as const];

describe.each(rows)('a nested TCC on %s over %s', (platform, over) => {
  let dtm: DtmService;

  beforeEach(async () => {
    calls.length = 0;
    hotel = deferred<void>();
    const server = embeddedServer({ store: memoryStore() });
    const { app } = await startApp({ platform, controllers: [TripController], dtm: { server, endpoint: { over } } });
    dtm = app.get(DtmService);
  });
  afterEach(closeApps);

  const run = (how: How) =>
    dtm.tcc((tcc) => tcc.call(branchOf(TripController, 'book'), how), { gid: 'trip', waitResult: true });
  const status = async () => (await dtm.query('trip'))?.transaction.status;

  test.each(['awaited', 'not awaited'] as const)('whose call is %s is confirmed with the outer TCC', async (how) => {
    const whole = run(how);
    hotel.resolve();
    await whole;
    expect(calls.toSorted()).toEqual(['booked', 'confirmBook', 'confirmReserve', 'reserved 0101']);
    expect(calls.slice(2)).toEqual(['confirmReserve', 'confirmBook']);
    expect(await status()).toBe('succeed');
  });

  test('fails the outer TCC even when the handler catches its error', async () => {
    const whole = run('swallowed');
    hotel.resolve();
    await expect(whole).rejects.toThrow('no room');
    await waitUntil(async () => (await status()) === 'failed');
    expect(calls).toEqual(['booked', 'cancelReserve', 'cancelBook']);
  });

  test('whose payload a pipe refuses ends, because there is nothing to undo', async () => {
    const whole = run('refused');
    await expect(whole).rejects.toThrow('no such room');
    await waitUntil(async () => (await status()) === 'failed');
    expect(calls).toEqual(['booked', 'cancelBook']);
    const { branches = [] } = (await dtm.query('trip')) ?? {};
    expect(branches.find(({ branchId, op }) => branchId === '0101' && op === 'cancel')).toMatchObject({
      status: 'succeed',
      lastError: expect.stringContaining('nothing to undo') as string,
    });
  });

  test('ends before the cancel of the try that began it', async () => {
    const whole = run('failing itself');
    hotel.resolve();
    await expect(whole).rejects.toThrow('no trip');
    await waitUntil(async () => (await status()) === 'failed');
    expect(calls).toEqual(['reserved 0101', 'cancelReserve', 'cancelBook']);
  });
});
