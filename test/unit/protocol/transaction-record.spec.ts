import { describe, expect, it } from 'vitest';
import {
  DtmArgumentError,
  decodeBranchRecord,
  decodeTransactionRecord,
  encodeBranchRecords,
  encodeTransactionRecord,
  jsonReader,
  type BranchRecord,
  type TransactionRecord,
} from '../../../lib/protocol/internal.js';

const TIME = Date.UTC(2026, 10, 22, 6, 49, 32);

const FULL: TransactionRecord = {
  gid: 's1',
  transType: 'saga',
  status: 'failed',
  protocol: 'http',
  options: {
    waitResult: true,
    timeoutToFailSeconds: 5,
    requestTimeoutSeconds: 4,
    retryIntervalSeconds: 6,
    retryLimit: 3,
    branchHeaders: { k: 'v' },
  },
  queryPrepared: 'http://b/q',
  customData: '{"concurrent":true}',
  createTime: TIME,
  updateTime: TIME + 1,
  finishTime: TIME + 2,
  rollbackTime: TIME + 3,
  rollbackReason: 'no money',
  result: 'cmVzdWx0',
  nextCronInterval: 5,
  nextCronTime: TIME + 5000,
  owner: 'me',
  retryCount: 2,
};

const BRANCH: BranchRecord = {
  branchId: '01',
  op: 'action',
  url: 'http://b/a1',
  payload: '{"a":1}',
  status: 'failed',
  finishTime: TIME,
  attempts: 2,
  lastError: 'no money',
};

const throughJson = (value: unknown) => jsonReader(JSON.parse(JSON.stringify(value)), 'the object');

describe('a transaction as JSON', () => {
  it('comes back with every field', () => {
    expect(decodeTransactionRecord(throughJson(encodeTransactionRecord(FULL)))).toEqual(FULL);
  });

  it('shows the fields of Go dtm: concurrent always, the options as JSON text too, times as RFC 3339', () => {
    const shown = JSON.parse(JSON.stringify(encodeTransactionRecord(FULL))) as Record<string, unknown>;
    expect(shown).toEqual({
      id: 0,
      create_time: '2026-11-22T06:49:32.000Z',
      update_time: '2026-11-22T06:49:32.001Z',
      gid: 's1',
      trans_type: 'saga',
      status: 'failed',
      query_prepared: 'http://b/q',
      protocol: 'http',
      finish_time: '2026-11-22T06:49:32.002Z',
      rollback_time: '2026-11-22T06:49:32.003Z',
      result: 'cmVzdWx0',
      rollback_reason: 'no money',
      options:
        '{"wait_result":true,"timeout_to_fail":5,"request_timeout":4,"retry_interval":6,"branch_headers":{"k":"v"},"retry_limit":3,"concurrent":false}',
      custom_data: '{"concurrent":true}',
      next_cron_interval: 5,
      next_cron_time: '2026-11-22T06:49:37.000Z',
      owner: 'me',
      wait_result: true,
      timeout_to_fail: 5,
      request_timeout: 4,
      retry_interval: 6,
      branch_headers: { k: 'v' },
      retry_limit: 3,
      concurrent: false,
      retry_count: 2,
    });
  });

  it('leaves out what is not set, as Go does', () => {
    const record: TransactionRecord = {
      gid: 'g',
      transType: 'tcc',
      status: 'prepared',
      protocol: 'http',
      options: {},
      createTime: TIME,
      updateTime: TIME,
      nextCronInterval: 10,
      nextCronTime: TIME,
    };
    const shown = JSON.parse(JSON.stringify(encodeTransactionRecord(record))) as Record<string, unknown>;
    expect(Object.keys(shown).join(' ')).toBe(
      'id create_time update_time gid trans_type status protocol options next_cron_interval next_cron_time concurrent',
    );
    expect(shown['options']).toBe('{"concurrent":false}');
    expect(decodeTransactionRecord(throughJson(shown))).toEqual(record);
  });

  it('of a Go dtm on an SQL store has its options in their text only', () => {
    const shown = {
      id: 1,
      create_time: '2026-11-22T06:49:32Z',
      update_time: '2026-11-22T06:49:32Z',
      gid: 's1',
      trans_type: 'saga',
      status: 'succeed',
      protocol: 'http',
      finish_time: '2026-11-22T06:49:32Z',
      options: '{"wait_result":true,"retry_interval":5,"concurrent":false}',
      next_cron_interval: 5,
      next_cron_time: '2026-11-22T06:49:37Z',
      concurrent: false,
    };
    expect(decodeTransactionRecord(throughJson(shown))).toMatchObject({
      gid: 's1',
      status: 'succeed',
      options: { waitResult: true, retryIntervalSeconds: 5 },
      createTime: TIME,
      nextCronTime: TIME + 5000,
    });
  });

  it('of a Go dtm on Redis may have null times, and its options beside', () => {
    const shown = {
      id: 0,
      create_time: null,
      update_time: null,
      gid: 'g',
      trans_type: 'msg',
      status: 'submitted',
      timeout_to_fail: 7,
      concurrent: true,
    };
    expect(decodeTransactionRecord(throughJson(shown))).toMatchObject({
      createTime: 0,
      updateTime: 0,
      protocol: 'http',
      options: { timeoutToFailSeconds: 7 },
    });
  });

  it.each([{ status: 5 }, { create_time: 'yesterday' }, { options: '{' }, { options: '5' }])(
    'is refused with %j',
    (change) => {
      const shown = throughJson({ ...encodeTransactionRecord(FULL), ...change });
      expect(() => decodeTransactionRecord(shown)).toThrow(DtmArgumentError);
    },
  );
});

describe('a branch as JSON', () => {
  it('shows the fields of Go dtm with the payload in base64, and ours', () => {
    expect(JSON.parse(JSON.stringify(encodeBranchRecords([BRANCH], FULL).next().value))).toEqual({
      id: 0,
      create_time: '2026-11-22T06:49:32.000Z',
      update_time: '2026-11-22T06:49:32.000Z',
      gid: 's1',
      url: 'http://b/a1',
      bin_data: 'eyJhIjoxfQ==',
      branch_id: '01',
      op: 'action',
      status: 'failed',
      finish_time: '2026-11-22T06:49:32.000Z',
      attempts: 2,
      last_error: 'no money',
    });
  });

  it('comes back with its payload as bytes', () => {
    const { payload, ...rest } = decodeBranchRecord(throughJson(encodeBranchRecords([BRANCH], FULL).next().value));
    expect(Buffer.from(payload as Uint8Array).toString()).toBe('{"a":1}');
    expect(rest).toEqual({ ...BRANCH, payload: undefined });
  });

  it('without URL and payload says nothing of them', () => {
    const branch: BranchRecord = { branchId: '01', op: 'cancel', url: '', payload: '', status: 'prepared' };
    const [shown] = encodeBranchRecords([branch], FULL);
    expect(Object.keys(JSON.parse(JSON.stringify(shown)) as object)).toEqual([
      'id',
      'create_time',
      'update_time',
      'gid',
      'branch_id',
      'op',
      'status',
    ]);
  });

  it('carries bytes that are no text', () => {
    const bytes = new Uint8Array([0, 255, 128]);
    const { payload } = decodeBranchRecord(
      throughJson(encodeBranchRecords([{ ...BRANCH, payload: bytes }], FULL).next().value),
    );
    expect([...(payload as Uint8Array)]).toEqual([...bytes]);
  });
});
