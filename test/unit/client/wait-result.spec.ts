import { Saga, runTcc } from 'nestjs-dtm/client';
import {
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type GlobalStatus,
  type TransType,
  type TransactionDetails,
} from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { ScriptedApi } from '../../support/scripted-api.js';
import { ScriptedTransport } from '../../support/scripted-transport.js';
import { START_TIME, VirtualClock } from '../../support/virtual-clock.js';

/** Go answers a waiting submit with this for a rollback, and for "not finished" alike. */
const REFUSAL = new DtmFailureError('wait result not return success:', { gid: 'g' });

function detailsOf(
  status: GlobalStatus,
  rollbackReason?: string,
  transType: TransType = 'saga',
  url = 'http://b/a',
): TransactionDetails {
  return {
    transaction: {
      gid: 'g',
      transType,
      status,
      protocol: 'http',
      options: {},
      rollbackReason,
      createTime: START_TIME,
      updateTime: START_TIME,
      nextCronInterval: 10,
      nextCronTime: START_TIME + 10_000,
    },
    branches: [
      { branchId: '01', op: 'compensate', url: '', payload: '', status: 'succeed' },
      {
        branchId: '01',
        op: 'action',
        url,
        payload: '',
        status: status === 'failed' ? 'failed' : 'prepared',
      },
    ],
  };
}

async function submitTo(api: ScriptedApi, waitResult = true): Promise<unknown> {
  const saga = new Saga({ api }, { gid: 'g' }).add({ action: 'http://b/a' });
  return saga.submit({ waitResult }).catch((error: unknown) => error);
}

describe('a submit that waits for its result', () => {
  it('sends no query when the coordinator reports success', async () => {
    const api = new ScriptedApi();
    expect(await submitTo(api)).toBe('g');
    expect(api.log).toEqual(['submit']);
  });

  it('fails when the transaction was rolled back, with reason and branch', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('failed', 'no money');
    const error = await submitTo(api);
    expect(error).toBeInstanceOf(DtmFailureError);
    expect(error).toMatchObject({
      message: 'transaction g was rolled back (action of branch 01): no money',
      reason: 'no money',
      branch: { branchId: '01', op: 'action', url: 'http://b/a' },
      gid: 'g',
      cause: REFUSAL,
    });
  });

  it('fails when it was rolled back without a reason', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('failed');
    expect(await submitTo(api)).toMatchObject({ message: expect.stringMatching(/: no reason was given$/) });
  });

  it('is ongoing when the transaction is not finished, with the time of the next attempt', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('submitted');
    const error = await submitTo(api);
    expect(error).toBeInstanceOf(DtmOngoingError);
    expect(error).toMatchObject({
      message: 'transaction g is not finished (action of branch 01); next attempt at 2030-01-01T00:00:10.000Z',
      reason: undefined,
      branch: { branchId: '01', op: 'action', url: 'http://b/a' },
      nextAttempt: new Date('2030-01-01T00:00:10.000Z'),
      isRollingBack: false,
    });
  });

  it('is ongoing while the transaction is being rolled back', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('aborting', 'no money');
    const error = await submitTo(api);
    expect(error).toBeInstanceOf(DtmOngoingError);
    expect(error).toMatchObject({
      message: expect.stringContaining('is being rolled back: no money'),
      reason: 'no money',
      isRollingBack: true,
    });
  });

  it.each([
    ['url:http://b/a return failed: no money', 'no money'],
    ['url:http://b/a return failed: {"dtm_result":"FAILURE","message":"no money FAILURE"} FAILURE', 'no money'],
    ['url:b:50051/b.B/A return failed: see https://bank.example/limits', 'see https://bank.example/limits'],
    ['url:http://b/a return failed: {"dtm_result":"FAILURE"}', undefined],
    ['Timeout after 5 seconds', 'Timeout after 5 seconds'],
  ])('fails with the words of the branch in %s', async (rollbackReason, reason) => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('failed', rollbackReason);
    expect(await submitTo(api)).toMatchObject({ reason, message: expect.not.stringContaining('http://b/a') });
  });

  it.each([
    ['counting the money', 'counting the money'],
    ['no answer: connect ECONNREFUSED 127.0.0.1:3001', 'no answer: connect ECONNREFUSED ***'],
    ['no answer: getaddrinfo ENOTFOUND bank.internal', 'no answer: getaddrinfo ENOTFOUND ***'],
    [
      'UNAVAILABLE: Name resolution failed for target dns:bank.internal:50051',
      'UNAVAILABLE: Name resolution failed for target ***',
    ],
    [
      'status 302: redirects with 302 are not followed; use the URL http://bank.internal/b instead',
      'status 302: redirects with 302 are not followed; use the URL *** instead',
    ],
    ['status 500: order:12345 is locked', 'status 500: order:12345 is locked'],
  ])('is ongoing with the last answer, %s, without addresses', async (lastError, reason) => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    const { transaction, branches } = detailsOf('submitted');
    api.details = { transaction, branches: branches.map((branch) => ({ ...branch, lastError, attempts: 1 })) };
    const error = await submitTo(api);
    expect(error).toMatchObject({ reason, message: expect.stringContaining(`(action of branch 01): ${reason}; next`) });
  });

  it('is ongoing with the branch whose calls are held back', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    const { transaction, branches } = detailsOf('submitted');
    api.details = { transaction, branches: branches.map((branch) => ({ ...branch, heldBack: true })) };
    expect(await submitTo(api)).toMatchObject({
      message: expect.stringContaining('; calls of branch 01 are held back until its target answers; next attempt at'),
    });
  });

  it.each([REFUSAL, new DtmOngoingError('ONGOING'), new DtmServerError('boom')])(
    'succeeds when the transaction did meanwhile, whatever the answer was: %s',
    async (answer) => {
      const api = new ScriptedApi().fail('submit', answer);
      api.details = detailsOf('succeed');
      expect(await submitTo(api)).toBe('g');
      expect(api.log).toEqual(['submit', 'query']);
    },
  );

  it.each<[string, TransactionDetails | undefined]>([
    ['is unknown', undefined],
    ['is only prepared', detailsOf('prepared')],
    ['belongs to a transaction of another mode, even a successful one', detailsOf('succeed', undefined, 'tcc')],
    [
      'belongs to a saga with other steps, even a successful one',
      detailsOf('succeed', undefined, 'saga', 'http://b/x'),
    ],
  ])('was refused when the gid %s', async (_, details) => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = details;
    expect(await submitTo(api)).toBe(REFUSAL);
  });

  it('is a connection error when no answer came', async () => {
    const down = new DtmConnectionError('no answer');
    const api = new ScriptedApi().fail('submit', down);
    api.details = detailsOf('succeed');
    expect(await submitTo(api)).toBe(down);
    expect(api.log).toEqual(['submit']);
  });

  it('reports that the state could not be read', async () => {
    const down = new DtmConnectionError('no answer');
    expect(await submitTo(new ScriptedApi().fail('submit', REFUSAL).fail('query', down))).toBe(down);
  });

  it('distinguishes a TCC that was confirmed from one that was not', async () => {
    const api = new ScriptedApi().fail('submit', new DtmServerError('boom'));
    const dependencies = { api, transport: new ScriptedTransport(new VirtualClock()) };
    api.details = detailsOf('succeed', undefined, 'tcc');
    expect(await runTcc(dependencies, () => 'done', { gid: 'g', waitResult: true })).toBe('done');
    api.details = detailsOf('submitted', undefined, 'tcc');
    await expect(runTcc(dependencies, () => 'done', { gid: 'g', waitResult: true })).rejects.toThrow(DtmOngoingError);
  });
});

describe('a submit that does not wait', () => {
  it.each<[string, TransactionDetails | undefined]>([
    ['is unknown', undefined],
    ['is prepared', detailsOf('prepared')],
    ['is being rolled back', detailsOf('aborting')],
    ['was rolled back', detailsOf('failed')],
    ['belongs to a transaction of another mode', detailsOf('succeed', undefined, 'tcc')],
    ['belongs to a saga with other steps', detailsOf('succeed', undefined, 'saga', 'http://b/x')],
  ])('throws the refusal unchanged when the gid %s', async (_, details) => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = details;
    expect(await submitTo(api, false)).toBe(REFUSAL);
  });

  it('succeeds when it is refused because an earlier attempt has succeeded', async () => {
    const api = new ScriptedApi().fail('submit', REFUSAL);
    api.details = detailsOf('succeed');
    expect(await submitTo(api, false)).toBe('g');
  });

  it('reports that the state could not be read, and not a rollback', async () => {
    const down = new DtmConnectionError('no answer');
    expect(await submitTo(new ScriptedApi().fail('submit', REFUSAL).fail('query', down), false)).toBe(down);
  });

  it.each([new DtmServerError('boom'), new DtmConnectionError('down'), new DtmOngoingError('wait')])(
    'throws %s unchanged, and reads no state',
    async (error) => {
      const api = new ScriptedApi().fail('submit', error);
      expect(await submitTo(api, false)).toBe(error);
      expect(api.log).toEqual(['submit']);
    },
  );
});

describe('a refused submit whose state cannot be read', () => {
  const cannot = new DtmConfigError('dtm has no query in its gRPC API; give its HTTP API');

  it.each([true, false])('is ongoing, and not a rollback (waiting: %s)', async (waitResult) => {
    const error = await submitTo(new ScriptedApi().fail('submit', REFUSAL).fail('query', cannot), waitResult);
    expect(error).toBeInstanceOf(DtmOngoingError);
    expect(error).toMatchObject({ cause: REFUSAL, gid: 'g' });
    expect((error as Error).message).toMatch(
      /^dtm refused transaction g \("wait result not return success:"\), .* cannot be queried: dtm has no query/,
    );
  });

  it.each([new DtmServerError('boom'), new DtmOngoingError('wait')])('throws %s unchanged', async (error) => {
    expect(await submitTo(new ScriptedApi().fail('submit', error).fail('query', cannot), true)).toBe(error);
  });
});
