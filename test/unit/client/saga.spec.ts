import { Saga, branchTransport, type BranchRef, type SagaOptions } from 'nestjs-dtm/client';
import { DtmArgumentError, DtmConfigError, DtmConnectionError, DtmFailureError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { encodeTransactionRequest } from '../../../lib/protocol/internal.js';
import { ScriptedApi } from '../../support/scripted-api.js';

const STEP = { action: 'http://b/a', compensate: 'http://b/c' };

/** What the coordinator would get, as JSON. */
const sentBy = (api: ScriptedApi): unknown => JSON.parse(encodeTransactionRequest(api.requests.at(-1)!));

describe('a saga on the wire', () => {
  it("means the same as Go's", async () => {
    const api = new ScriptedApi();
    const options: SagaOptions = {
      gid: 'cs1',
      concurrent: true,
      timeoutToFailSeconds: 5,
      requestTimeoutSeconds: 4,
      retryIntervalSeconds: 6,
      retryLimit: 3,
      branchHeaders: { k: 'v' },
    };
    const gid = await new Saga({ api }, options)
      .add(STEP, { a: 1 })
      .add({ action: 'http://b/a2' }, null)
      .order(1, [0])
      .submit({ waitResult: true });
    expect(gid).toBe('cs1');
    expect(api.log).toEqual(['submit']);
    expect(sentBy(api)).toEqual({
      gid: 'cs1',
      trans_type: 'saga',
      custom_data: '{"concurrent":true,"orders":{"1":[0]}}',
      wait_result: true,
      timeout_to_fail: 5,
      request_timeout: 4,
      retry_interval: 6,
      branch_headers: { k: 'v' },
      concurrent: true,
      retry_limit: 3,
      steps: [STEP, { action: 'http://b/a2', compensate: '' }],
      payloads: ['{"a":1}', 'null'],
    });
  });

  it('has no order when the steps run one after the other', async () => {
    const api = new ScriptedApi();
    await new Saga({ api }, { gid: 'g' }).add(STEP, {}).submit();
    expect(sentBy(api)).toEqual({ gid: 'g', trans_type: 'saga', steps: [STEP], payloads: ['{}'] });
  });

  it('sends an empty payload for a step without one', async () => {
    const api = new ScriptedApi();
    await new Saga({ api }, { gid: 'g' }).add(STEP).add(STEP, undefined).submit();
    expect(api.requests[0]!.payloads).toEqual(['', '']);
  });

  it('sends the payload as it was when the step was added', async () => {
    const api = new ScriptedApi();
    const payload = { amount: 30 };
    const saga = new Saga({ api }, { gid: 'g' }).add(STEP, payload);
    payload.amount = 1_000_000;
    await saga.submit();
    expect(api.requests[0]!.payloads).toEqual(['{"amount":30}']);
  });

  it('gets its gid from the coordinator unless the options have one', async () => {
    const api = new ScriptedApi();
    expect(await new Saga({ api }).add(STEP).submit()).toBe('gid1');
    expect(api.log).toEqual(['newGid', 'submit']);
  });

  it('remains one saga when the submit is repeated after an unknown outcome', async () => {
    const api = new ScriptedApi().fail('submit', new DtmConnectionError('no answer'), undefined);
    const saga = new Saga({ api }).add(STEP);
    await expect(saga.submit()).rejects.toThrow(DtmConnectionError);
    expect(await saga.submit()).toBe('gid1');
    expect(api.requests.map((request) => request.gid)).toEqual(['gid1', 'gid1']);
    expect(api.log).toEqual(['newGid', 'submit', 'submit']);
  });

  it('has one gid when submitted twice at the same time', async () => {
    const api = new ScriptedApi();
    const saga = new Saga({ api }).add(STEP);
    const [first, second] = await Promise.all([saga.submit(), saga.submit()]);
    expect(first).toBe(second);
  });

  it('throws the error of the coordinator', async () => {
    const refusal = new DtmFailureError('current status');
    await expect(new Saga({ api: new ScriptedApi().fail('submit', refusal) }).add(STEP).submit()).rejects.toBe(refusal);
    const down = new DtmConnectionError('down');
    await expect(new Saga({ api: new ScriptedApi().fail('newGid', down) }).add(STEP).submit()).rejects.toBe(down);
  });
});

describe('order()', () => {
  const saga = (): Saga =>
    new Saga({ api: new ScriptedApi() }, { gid: 'g', concurrent: true }).add(STEP).add(STEP).add(STEP);

  it('collects the orders of all calls, and sends them', async () => {
    const api = new ScriptedApi();
    await new Saga({ api }, { gid: 'g', concurrent: true })
      .add(STEP)
      .add(STEP)
      .add(STEP)
      .order(2, [0])
      .order(2, [1])
      .submit();
    expect(api.requests[0]!.customData).toBe('{"concurrent":true,"orders":{"2":[0,1]}}');
  });

  it.each<[string, number, number[], RegExp]>([
    ['a step that does not exist yet', 3, [0], /step 3 does not exist/],
    ['waiting for a step that does not exist yet', 0, [3], /step 3 does not exist/],
    ['a negative step', -1, [0], /step -1 does not exist/],
    ['half a step', 0.5, [0], /step 0.5 does not exist/],
    ['waiting for itself', 1, [1], /circle/],
  ])('refuses %s', (_, step, after, message) => {
    expect(() => saga().order(step, after)).toThrow(DtmArgumentError);
    expect(() => saga().order(step, after)).toThrow(message);
  });

  it('refuses a cycle, and keeps the orders from before', async () => {
    const api = new ScriptedApi();
    const built = new Saga({ api }, { gid: 'g', concurrent: true }).add(STEP).add(STEP).order(1, [0]);
    expect(() => built.order(0, [1])).toThrow(/circle/);
    await built.submit();
    expect(api.requests[0]!.customData).toBe('{"concurrent":true,"orders":{"1":[0]}}');
  });

  it('is refused without concurrent', () => {
    expect(() => new Saga({ api: new ScriptedApi() }).add(STEP).add(STEP).order(1, [0])).toThrow(
      /needs a concurrent saga/,
    );
  });
});

describe('what is refused before anything is sent', () => {
  it.each<[string, SagaOptions, RegExp]>([
    ['an empty gid', { gid: '' }, /gid must be a non-empty string/],
    ['a gid with a semicolon', { gid: 'a;b' }, /gid /],
    ['half a second', { timeoutToFailSeconds: 0.5 }, /timeoutToFailSeconds must be a whole number/],
    ['a negative time', { requestTimeoutSeconds: -1 }, /requestTimeoutSeconds must be/],
    ['NaN', { retryIntervalSeconds: Number.NaN }, /retryIntervalSeconds must be/],
    ['an infinite limit', { retryLimit: Number.POSITIVE_INFINITY }, /retryLimit must be/],
    ['a header name with a blank', { branchHeaders: { 'a b': 'c' } }, /branch header "a b"/],
    ['a header value with a line break', { branchHeaders: { a: 'b\r\nc: d' } }, /branch header "a"/],
  ])('%s', (_, options, message) => {
    expect(() => new Saga({ api: new ScriptedApi() }, options)).toThrow(DtmArgumentError);
    expect(() => new Saga({ api: new ScriptedApi() }, options)).toThrow(message);
  });

  it.each<[string, { action: string; compensate?: string }, RegExp]>([
    ['a path', { action: '/a' }, /action "\/a" is not a URL/],
    ['a scheme that the driver does not know', { action: 'ftp://b/a' }, /ftp:\/\/b\/a/],
    ['a compensation that is no URL', { action: STEP.action, compensate: 'undo' }, /compensate "undo" is not a URL/],
    [
      'a URL with a parameter of dtm',
      { action: 'http://b/a?gid=1' },
      /query parameter gid, which the coordinator adds itself/,
    ],
  ])('%s', (_, urls, message) => {
    const dependencies = { api: new ScriptedApi(), transport: branchTransport() };
    expect(() => new Saga(dependencies).add(urls)).toThrow(DtmArgumentError);
    expect(() => new Saga(dependencies).add(urls)).toThrow(message);
  });

  it('a payload that is not JSON, together with its step', async () => {
    const api = new ScriptedApi();
    const saga = new Saga({ api }, { gid: 'g' }).add(STEP, { ok: true });
    expect(() => saga.add(STEP, { amount: 10n })).toThrow(/"amount" is a bigint/);
    await saga.submit();
    expect(api.requests[0]!.steps).toHaveLength(1);
  });

  it('a saga without steps', async () => {
    const api = new ScriptedApi();
    await expect(new Saga({ api }).submit()).rejects.toThrow(/needs at least one step/);
    expect(api.log).toEqual([]);
  });

  it('a branch named by code without a locator', () => {
    expect(() => new Saga({ api: new ScriptedApi() }).add({} as BranchRef<number>, 1)).toThrow(DtmConfigError);
  });
});

describe('a step named by code', () => {
  it('gets its URLs from the locator', async () => {
    const api = new ScriptedApi();
    const ref: BranchRef<{ amount: number }> = {};
    const locator = {
      getSagaUrls: () => STEP,
      getTccUrls: () => ({ try: '', confirm: '', cancel: '' }),
      getMsgUrl: () => '',
      getXaUrl: () => '',
    };
    await new Saga({ api, locator }, { gid: 'g' }).add(ref, { amount: 1 }).submit();
    expect(api.requests[0]!.steps).toEqual([STEP]);
  });
});
