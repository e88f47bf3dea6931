import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  decodeTransactionRequest,
  encodeTransactionRequest,
  type TransactionRequest,
} from '../../../lib/protocol/internal.js';

const FULL: TransactionRequest = {
  gid: 'g1',
  transType: 'saga',
  steps: [
    { action: 'http://b/a', compensate: 'http://b/c' },
    { action: 'http://b/a2', compensate: undefined },
  ],
  payloads: ['{"a":1}', ''],
  queryPrepared: 'http://b/q',
  customData: '{"concurrent":true,"orders":{"1":[0]}}',
  protocol: 'http',
  waitResult: true,
  timeoutToFailSeconds: 5,
  requestTimeoutSeconds: 4,
  retryIntervalSeconds: 6,
  retryLimit: 3,
  branchHeaders: { k: 'v' },
  concurrent: true,
  retryCount: 2,
  rollbackReason: 'why',
  reqExtra: { status: 'succeed' },
};

const WIRE = {
  gid: 'g1',
  trans_type: 'saga',
  custom_data: '{"concurrent":true,"orders":{"1":[0]}}',
  query_prepared: 'http://b/q',
  wait_result: true,
  timeout_to_fail: 5,
  request_timeout: 4,
  retry_interval: 6,
  branch_headers: { k: 'v' },
  retry_limit: 3,
  concurrent: true,
  retry_count: 2,
  rollback_reason: 'why',
  req_extra: { status: 'succeed' },
  steps: [{ action: 'http://b/a', compensate: 'http://b/c' }, { action: 'http://b/a2' }],
  payloads: ['{"a":1}', ''],
  protocol: 'http',
};

const decode = (body: unknown): TransactionRequest => decodeTransactionRequest(JSON.parse(JSON.stringify(body)));

describe('the body of prepare, submit and abort', () => {
  it('carries every field under its wire name', () => {
    expect(JSON.parse(encodeTransactionRequest(FULL))).toEqual(WIRE);
  });

  it('is read back with every field', () => {
    expect(decode(WIRE)).toEqual(FULL);
  });

  it('leaves out what is not set', () => {
    expect(
      JSON.parse(encodeTransactionRequest({ gid: 'g1', transType: 'tcc', retryLimit: 0, waitResult: false })),
    ).toEqual({
      gid: 'g1',
      trans_type: 'tcc',
    });
  });

  it('carries payload bytes that are text, and refuses others', () => {
    expect(encodeTransactionRequest({ gid: 'g', transType: 'saga', payloads: [Buffer.from('{"a":"ä"}')] })).toContain(
      'ä',
    );
    expect(() => encodeTransactionRequest({ gid: 'g', transType: 'saga', payloads: [new Uint8Array([0xff])] })).toThrow(
      DtmArgumentError,
    );
  });

  it('has the time-outs of single branches, and the longest of all for dtm', () => {
    const request = { gid: 'g', transType: 'saga', branchTimeoutSeconds: { 'http://b/a': 30 } } as const;
    const written = (change: object): object =>
      JSON.parse(encodeTransactionRequest({ ...request, ...change })) as object;
    expect(written({})).toMatchObject({ request_timeout: 30, branch_timeouts: { 'http://b/a': 30 } });
    expect(written({ branchTimeoutSeconds: { 'http://b/a': 1 } })).toMatchObject({ request_timeout: 3 });
    expect(written({ requestTimeoutSeconds: 60 })).toMatchObject({
      request_timeout: 60,
      branch_timeouts: { 'http://b/a': 30, '*': 60 },
    });
    for (const requestTimeoutSeconds of [undefined, 60]) {
      const { requestTimeoutSeconds: others, branchTimeoutSeconds } = decode(written({ requestTimeoutSeconds }));
      expect([others, branchTimeoutSeconds]).toEqual([requestTimeoutSeconds, request.branchTimeoutSeconds]);
    }
  });

  it('may hold nulls, unknown keys and keys in another case, as other SDKs send them', () => {
    const request = decode({
      GID: 'g1',
      Trans_Type: 'saga',
      steps: null,
      payloads: null,
      query_prepared: null,
      custom_data: null,
      protocol: null,
      wait_result: null,
      timeout_to_fail: null,
      request_timeout: 8,
      retry_interval: null,
      retry_limit: null,
      branch_headers: null,
      concurrent: null,
      rollback_reason: null,
      req_extra: null,
      passthrough_headers: [],
      subType: 'x',
      id: 7,
      owner: 'me',
      status: 'succeed',
    });
    expect(request).toEqual({
      gid: 'g1',
      transType: 'saga',
      steps: [],
      payloads: [],
      protocol: 'http',
      requestTimeoutSeconds: 8,
    });
  });

  it('is decoded even when gid and trans_type are missing: whoever needs them says so', () => {
    expect(decode({})).toMatchObject({ gid: '', transType: '', steps: [], payloads: [] });
  });

  it('takes the payloads of old SDKs out of the steps: those that are not empty, behind the others', () => {
    const steps = [
      { action: 'a', data: '1' },
      { action: 'b', data: '' },
      { action: 'c', data: '3' },
      { action: 'd', data: null },
    ];
    expect(decode({ steps }).payloads).toEqual(['1', '3']);
    expect(decode({ steps, payloads: ['0'] }).payloads).toEqual(['0', '1', '3']);
  });

  it.each<[string, unknown, RegExp]>([
    ['gid', 1, /gid must be a string/],
    ['trans_type', {}, /trans_type must be a string/],
    ['steps', {}, /steps must be an array of objects/],
    ['steps', ['http://b'], /steps\[0\] must be a JSON object/],
    ['steps', [{ action: 1 }], /action must be a string/],
    ['steps', [{ action: 'a', compensate: [] }], /compensate must be a string/],
    ['steps', [{ action: 'a', data: {} }], /data must be a string/],
    ['payloads', 'x', /payloads must be an array of strings/],
    ['payloads', [{}], /payloads must be an array of strings/],
    ['query_prepared', 1, /query_prepared must be a string/],
    ['branch_timeouts', { 'http://b/a': '30' }, /branch_timeouts must be an object of whole numbers/],
    ['branch_timeouts', [1], /branch_timeouts must be an object of whole numbers/],
    ['custom_data', { concurrent: true }, /custom_data must be a string/],
    ['protocol', 'HTTP', /protocol must be http, grpc or json-rpc, not "HTTP"/],
    ['protocol', 1, /protocol must be a string/],
    ['wait_result', 'true', /wait_result must be true or false/],
    ['timeout_to_fail', '5', /timeout_to_fail must be a whole number/],
    ['request_timeout', 1.5, /request_timeout must be a whole number/],
    ['retry_interval', -1, /retry_interval must be a whole number/],
    ['retry_limit', [], /retry_limit must be a whole number/],
    ['retry_count', 'x', /retry_count must be a whole number/],
    ['branch_headers', [], /branch_headers must be an object of strings/],
    ['branch_headers', { a: 1 }, /branch_headers must be an object of strings/],
    ['concurrent', 1, /concurrent must be true or false/],
    ['rollback_reason', 5, /rollback_reason must be a string/],
    ['req_extra', 'x', /req_extra must be an object of strings/],
  ])('is refused when %s is %j', (field, value, message) => {
    expect(() => decode({ gid: 'g', trans_type: 'saga', [field]: value })).toThrow(DtmArgumentError);
    expect(() => decode({ gid: 'g', trans_type: 'saga', [field]: value })).toThrow(message);
  });

  it.each([null, [], 'x', 1])('is refused when it is %j', (body) => {
    expect(() => decode(body)).toThrow(/^the request body must be a JSON object/);
  });
});
