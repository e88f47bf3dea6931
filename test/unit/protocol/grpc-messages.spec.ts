import { describe, expect, it } from 'vitest';
import {
  WORKFLOW_PROTO,
  decodeBranchMessage,
  decodeTransactionMessage,
  encodeProgresses,
  encodeWorkflowData,
  type DtmBranchRequestMessage,
  type DtmRequestMessage,
} from '../../../lib/protocol/internal.js';
import { definitionOf } from '../../support/grpc-definitions.js';

const REQUEST: DtmRequestMessage = {
  Gid: 'g1',
  TransType: 'saga',
  TransOptions: null,
  CustomedData: '',
  BinPayloads: [],
  QueryPrepared: '',
  Steps: '',
  ReqExtra: {},
  RollbackReason: '',
};

const OPTIONS = { WaitResult: false, TimeoutToFail: 0, RetryInterval: 0, RequestTimeout: 0, RetryLimit: 0 };

const STEPS = '[{"action":"h:1/b.B/A","compensate":"h:1/b.B/C"},{"action":"h:1/b.B/D"}]';

describe('a DtmRequest', () => {
  it('is a transaction whose branches are called over gRPC', () => {
    expect(decodeTransactionMessage(REQUEST)).toEqual({
      gid: 'g1',
      transType: 'saga',
      steps: [],
      payloads: [],
      protocol: 'grpc',
      reqExtra: {},
    });
  });

  it('has steps as JSON, payloads as bytes, and options', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const request = decodeTransactionMessage({
      ...REQUEST,
      Steps: STEPS,
      BinPayloads: [bytes, Buffer.alloc(0)],
      CustomedData: '{"concurrent":true}',
      QueryPrepared: 'h:1/b.B/Q',
      RollbackReason: 'why',
      ReqExtra: { status: 'succeed' },
      TransOptions: {
        WaitResult: true,
        TimeoutToFail: 1,
        RetryInterval: 2,
        RequestTimeout: 3,
        RetryLimit: 4,
        BranchHeaders: { A: 'b' },
      },
    });
    expect(request).toEqual({
      gid: 'g1',
      transType: 'saga',
      steps: [{ action: 'h:1/b.B/A', compensate: 'h:1/b.B/C' }, { action: 'h:1/b.B/D' }],
      payloads: [bytes, Buffer.alloc(0)],
      customData: '{"concurrent":true}',
      queryPrepared: 'h:1/b.B/Q',
      rollbackReason: 'why',
      reqExtra: { status: 'succeed' },
      protocol: 'grpc',
      waitResult: true,
      timeoutToFailSeconds: 1,
      retryIntervalSeconds: 2,
      requestTimeoutSeconds: 3,
      retryLimit: 4,
      branchHeaders: { A: 'b' },
    });
  });

  it('may have payloads inside its steps, as old clients send them', () => {
    const { payloads } = decodeTransactionMessage({ ...REQUEST, Steps: '[{"action":"h:1/b.B/A","data":"{}"}]' });
    expect(payloads).toEqual(['{}']);
  });

  it.each<[string, Partial<DtmRequestMessage>, RegExp]>([
    ['steps that are no JSON', { Steps: '[{' }, /^Steps is not JSON: .*; expected something like \[/],
    ['steps that are no list', { Steps: '{}' }, /^steps must be an array of objects/],
    ['steps that are no objects', { Steps: '[1]' }, /^steps\[0\] must be a JSON object/],
    ['a step whose URL is no text', { Steps: '[{"action":1}]' }, /^action must be a string/],
    ['a negative time', { TransOptions: { ...OPTIONS, TimeoutToFail: -1, BranchHeaders: {} } }, /^timeout_to_fail/],
    ['an endless time', { TransOptions: { ...OPTIONS, RetryInterval: 2 ** 53, BranchHeaders: {} } }, /^retry_interval/],
  ])('is refused with %s', (_, change, message) => {
    expect(() => decodeTransactionMessage({ ...REQUEST, ...change })).toThrow(message);
  });
});

describe('a DtmBranchRequest', () => {
  const BRANCH: DtmBranchRequestMessage = {
    Gid: 'g1',
    TransType: 'tcc',
    BranchID: '01',
    Data: { confirm: 'h:1/b.B/F', cancel: 'h:1/b.B/C' },
    BusiPayload: Buffer.from([0xff]),
  };

  it('of a TCC has its URLs in the map and its payload in bytes', () => {
    expect(decodeBranchMessage(BRANCH)).toEqual({
      gid: 'g1',
      transType: 'tcc',
      branchId: '01',
      confirm: 'h:1/b.B/F',
      cancel: 'h:1/b.B/C',
      payload: Buffer.from([0xff]),
    });
  });

  it('of an XA has one URL', () => {
    expect(decodeBranchMessage({ ...BRANCH, TransType: 'xa', Data: { url: 'h:1/b.B/X' } })).toEqual({
      gid: 'g1',
      transType: 'xa',
      branchId: '01',
      url: 'h:1/b.B/X',
    });
  });

  it('of a workflow has operation and status', () => {
    const branch = { ...BRANCH, TransType: 'workflow', Data: { op: 'action', status: 'succeed', sync: '1' } };
    expect(decodeBranchMessage(branch)).toEqual({
      gid: 'g1',
      transType: 'workflow',
      branchId: '01',
      op: 'action',
      status: 'succeed',
      payload: Buffer.from([0xff]),
    });
  });

  it('is not about another transaction or branch, whatever its map says', () => {
    const Data = { ...BRANCH.Data, gid: 'other', GID: 'other', branch_id: '99', trans_type: 'xa', data: 'other' };
    expect(decodeBranchMessage({ ...BRANCH, Data })).toEqual(decodeBranchMessage(BRANCH));
  });

  it.each<[string, Partial<DtmBranchRequestMessage>, RegExp]>([
    ['a mode without branches', { TransType: 'saga' }, /^unknow trans type: saga$/],
    ['no mode', { TransType: '' }, /^unknow trans type: $/],
    ['no branch id', { BranchID: '' }, /^branch_id must be a non-empty string/],
    ['another status', { TransType: 'workflow', Data: { op: 'action', status: 'x' } }, /^status of a workflow branch/],
  ])('is refused with %s', (_, change, message) => {
    expect(() => decodeBranchMessage({ ...BRANCH, ...change })).toThrow(message);
  });
});

describe('a DtmProgressesReply', () => {
  const TRANSACTION = {
    gid: 'g1',
    transType: 'workflow',
    status: 'succeed',
    protocol: 'grpc',
    options: {},
    createTime: 0,
    updateTime: 0,
    nextCronInterval: 10,
    nextCronTime: 0,
  } as const;

  it('shows how far a workflow is, and its result', () => {
    const branches = [
      { branchId: '01', op: 'action', url: '', payload: Buffer.from([0xff]), status: 'succeed' },
      { branchId: '02', op: 'action', url: '', payload: 'no', status: 'failed' },
    ] as const;
    expect(encodeProgresses({ transaction: { ...TRANSACTION, result: 'b2s=' }, branches })).toEqual({
      Transaction: { Gid: 'g1', Status: 'succeed', RollbackReason: '', Result: 'b2s=' },
      Progresses: [
        { Status: 'succeed', BinData: Buffer.from([0xff]), BranchID: '01', Op: 'action' },
        { Status: 'failed', BinData: Buffer.from('no'), BranchID: '02', Op: 'action' },
      ],
    });
  });

  it('says why it was rolled back', () => {
    const details = { transaction: { ...TRANSACTION, status: 'failed', rollbackReason: 'no' } as const, branches: [] };
    expect(encodeProgresses(details).Transaction).toMatchObject({ Status: 'failed', RollbackReason: 'no', Result: '' });
  });
});

describe('a WorkflowData', () => {
  const { requestDeserialize, requestSerialize, path } = definitionOf(WORKFLOW_PROTO, 'Workflow')['Execute']!;

  it('is sent to the method of the contract', () => {
    expect(path).toBe('/workflow.Workflow/Execute');
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 3_000_000])('has %i bytes as its only field', (length) => {
    const data = Buffer.alloc(length, 0xfe);
    const encoded = Buffer.from(encodeWorkflowData(data));
    expect((requestDeserialize(encoded) as { Data: Buffer }).Data.equals(data)).toBe(true);
    if (length > 0) expect(encoded.equals(requestSerialize({ Data: data }))).toBe(true);
  });
});
