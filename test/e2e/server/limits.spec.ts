import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { SUCCESS_ANSWER, failure, startHttpCoordinator } from '../../support/http-coordinator.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { SUCCESS, ScriptedTransport } from '../../support/scripted-transport.js';
import { START_TIME, VirtualClock, settled } from '../../support/virtual-clock.js';
import { embeddedServer, memoryStore, type EmbeddedServerOptions } from 'nestjs-dtm/server';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SAGA = { gid: 'g', trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{}'] };
const MSG = { gid: 'g', trans_type: 'msg', steps: [{ action: 'topic://t' }], payloads: ['{}'] };
const WORKFLOW = {
  gid: 'g',
  trans_type: 'workflow',
  query_prepared: 'http://b/w',
  custom_data: '{"name":"w","data":""}',
};

/** Text of the error for an exceeded limit. */
const over = (what: string, limit: number, setting: string, key: string): string =>
  failure(`${what}: the limit is ${limit}; send less, or raise ${setting} of the coordinator (${key} of serve)`);

describe('a transaction at a limit is accepted, and refused above it', () => {
  it.each<[string, object, object, EmbeddedServerOptions, string]>([
    [
      'request_timeout',
      { ...SAGA, request_timeout: 3600 },
      { ...SAGA, request_timeout: 2_147_483_647 },
      {},
      over('request_timeout is 2147483647 s', 3600, 'maxRequestTimeoutSeconds', 'MaxRequestTimeout'),
    ],
    [
      'timeout_to_fail',
      { ...SAGA, timeout_to_fail: 31_536_000 },
      { ...SAGA, timeout_to_fail: 31_536_001 },
      {},
      over('timeout_to_fail is 31536001 s', 31_536_000, 'maxWaitSeconds', 'MaxWait'),
    ],
    [
      'retry_interval',
      { ...SAGA, retry_interval: 60 },
      { ...SAGA, retry_interval: 61 },
      { maxWaitSeconds: 60 },
      over('retry_interval is 61 s', 60, 'maxWaitSeconds', 'MaxWait'),
    ],
    [
      'the delay of a message',
      { ...MSG, steps: SAGA.steps, custom_data: '{"delay":60}' },
      { ...MSG, steps: SAGA.steps, custom_data: '{"delay":61}' },
      { maxWaitSeconds: 60 },
      over('the delay of the msg is 61 s', 60, 'maxWaitSeconds', 'MaxWait'),
    ],
    [
      'branch_headers',
      { ...SAGA, branch_headers: { a: 'x'.repeat(8190), b: '' } },
      { ...SAGA, branch_headers: { a: 'x'.repeat(8191), b: '' } },
      {},
      over('branch_headers have too many bytes', 8192, 'maxBranchHeaderBytes', 'MaxBranchHeaderBytes'),
    ],
    [
      'custom_data',
      { ...SAGA, custom_data: '{}'.padEnd(2_097_152) },
      { ...SAGA, custom_data: '{}'.padEnd(2_097_153) },
      {},
      over('custom_data has 2097153 bytes', 2_097_152, 'maxCustomDataBytes', 'MaxCustomDataBytes'),
    ],
    [
      'the steps of a saga',
      { ...SAGA, steps: [{}, {}], payloads: ['', ''] },
      { ...SAGA, steps: [{}, {}, {}], payloads: ['', '', ''] },
      { maxBranches: 2 },
      over('a saga has 3 branches', 2, 'maxBranches', 'MaxBranches'),
    ],
    [
      'the whole transaction',
      { ...SAGA, steps: [{ action: 'http://b/a' }], payloads: ['x'.repeat(40)] },
      { ...SAGA, steps: [{ action: 'http://b/a' }], payloads: ['x'.repeat(41)] },
      // the payload is stored for action and compensation
      { maxTransactionBytes: 90 },
      over('the saga has 92 bytes in all its branches', 90, 'maxTransactionBytes', 'MaxTransactionBytes'),
    ],
  ])('%s', async (_, within, above, settings, error) => {
    for (const operation of ['submit', 'prepare']) {
      const dtm = await startHttpCoordinator(settings);
      expect(await dtm.answer(operation, above)).toBe(error);
      expect((await dtm.store.list({})).transactions).toEqual([]);
      expect(await dtm.answer(operation, within)).toBe(SUCCESS_ANSWER);
    }
  });

  it('by default, so that its branch_headers reach a server in Node, beside a long URL', async () => {
    const received: unknown[] = [];
    const participant = createServer((request, response) => {
      received.push(request.headers['x-a']?.length);
      response.end(JSON.stringify({ dtm_result: 'SUCCESS' }));
    }).listen(0, '127.0.0.1');
    await once(participant, 'listening');
    const { port } = participant.address() as AddressInfo;
    const server = embeddedServer({ store: memoryStore() });
    await server.open();
    await server.submit({
      gid: 'g',
      transType: 'saga',
      waitResult: true,
      branchHeaders: { 'x-a': 'v'.repeat(8189) },
      steps: [{ action: `http://127.0.0.1:${port}/${'p'.repeat(6000)}` }],
      payloads: ['{}'],
    });
    expect(received).toEqual([8189]);
    await server.close();
    participant.close();
  });

  it('raised by a setting', async () => {
    const dtm = await startHttpCoordinator({ maxRequestTimeoutSeconds: 86_400 });
    expect(await dtm.answer('submit', { ...SAGA, request_timeout: 86_400 })).toBe(SUCCESS_ANSWER);
  });

  it('at the submit of what was prepared', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', SAGA);
    expect(await dtm.answer('submit', { gid: 'g', trans_type: 'saga', request_timeout: 3601 })).toBe(
      over('request_timeout is 3601 s', 3600, 'maxRequestTimeoutSeconds', 'MaxRequestTimeout'),
    );
    expect(await dtm.show('g')).toMatch(/^prepared/);
  });

  it('in what an initiator reports at the end', async () => {
    const dtm = await startHttpCoordinator({ maxCustomDataBytes: 100 });
    const long = 'x'.repeat(101);
    await dtm.post('prepareWorkflow', WORKFLOW);
    const result = { ...WORKFLOW, req_extra: { status: 'succeed', result: long } };
    expect(await dtm.answer('submit', result)).toBe(
      over('req_extra.result has 101 bytes', 100, 'maxCustomDataBytes', 'MaxCustomDataBytes'),
    );
    await dtm.post('prepare', { gid: 'tcc', trans_type: 'tcc' });
    expect(await dtm.answer('abort', { gid: 'tcc', trans_type: 'tcc', rollback_reason: long })).toBe(
      over('rollback_reason has 101 bytes', 100, 'maxCustomDataBytes', 'MaxCustomDataBytes'),
    );
  });
});

describe('a TCC', () => {
  const branchOf = (id: string, data = '') => ({
    gid: 'g',
    trans_type: 'tcc',
    branch_id: id,
    confirm: 'http://b/c',
    cancel: 'http://b/d',
    data,
  });

  it('registers no more branches than the limits allow', async () => {
    const dtm = await startHttpCoordinator({ maxBranches: 2, maxTransactionBytes: 1000 });
    await dtm.post('prepare', { gid: 'g', trans_type: 'tcc' });
    expect(await dtm.answer('registerBranch', branchOf('01', 'x'.repeat(1000)))).toBe(
      over('tcc g has no room for branch 01', 1000, 'maxTransactionBytes', 'MaxTransactionBytes'),
    );
    for (const id of ['01', '02']) expect(await dtm.answer('registerBranch', branchOf(id))).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('registerBranch', branchOf('03'))).toBe(
      over('tcc g has no room for branch 03', 2, 'maxBranches', 'MaxBranches'),
    );
    expect(await dtm.answer('submit', { gid: 'g', trans_type: 'tcc', wait_result: true })).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.keys).toEqual(['02 confirm', '01 confirm']);
  });
});

it('queryKV is refused when the records do not fit into one answer', async () => {
  const dtm = await startHttpCoordinator();
  const value = JSON.stringify([{ url: 'http://b', remark: 'x'.repeat(3 * 1024 * 1024) }]);
  for (const key of ['a', 'b', 'c']) {
    await dtm.store.putKv({ category: 'topics', key, value, version: 1, createTime: 0, updateTime: 0 });
  }
  expect((await dtm.get('queryKV?cat=topics&key=a')).status).toBe(200);
  expect((await dtm.get('queryKV?cat=topics')).body).toContain('use scanKV, which has pages');
});

describe('a message to a topic', () => {
  const subscribe = (url: string): string => `subscribe?topic=t&url=${encodeURIComponent(url)}`;

  it('has a branch for each step and subscriber, counted before they are created', async () => {
    const dtm = await startHttpCoordinator();
    for (let index = 0; index < 500; index++) await dtm.get(subscribe(`http://b/${index}`));
    const many = { ...MSG, steps: Array.from({ length: 21 }, () => MSG.steps[0]), payloads: Array(21).fill('') };
    expect(await dtm.answer('submit', many)).toBe(
      over('a msg has 10500 branches', 10_000, 'maxBranches', 'MaxBranches'),
    );
    // 274 KB for each of 500 subscribers
    expect(await dtm.answer('submit', { ...MSG, payloads: ['x'.repeat(274_000)] })).toBe(
      over('the msg has 137005890 bytes in all its branches', 16_777_216, 'maxTransactionBytes', 'MaxTransactionBytes'),
    );
    expect((await dtm.store.list({})).transactions).toEqual([]);
  });

  it('reads no more topics than the limits allow', async () => {
    const reads: string[] = [];
    const store = interceptStore(memoryStore(), (operation, call) => {
      reads.push(operation);
      return call();
    });
    const dtm = await startHttpCoordinator({ store, maxBranches: 12, maxTransactionBytes: 1000 });
    const topicOf = (topic: string, urls: string[]) => {
      const value = JSON.stringify(urls.map((url) => ({ url, remark: '' })));
      return store.putKv({ category: 'topics', key: topic, value, version: 1, createTime: 0, updateTime: 0 });
    };
    for (let index = 0; index < 10; index++) {
      await topicOf(`many${index}`, ['http://b/1', 'http://b/2', 'http://b/3']);
      await topicOf(`long${index}`, [`http://b/${'x'.repeat(400)}`]);
    }
    const submitTo = (kind: string): Promise<string> => {
      const steps = Array.from({ length: 10 }, (_, index) => ({ action: `topic://${kind}${index}` }));
      reads.length = 0;
      return dtm.answer('submit', { ...MSG, steps, payloads: Array(10).fill('') });
    };
    expect(await submitTo('many')).toContain('a msg has 14 branches: the limit is 12;');
    expect(reads.filter((operation) => operation === 'getKv')).toHaveLength(2);
    expect(await submitTo('long')).toContain('the subscribers of a msg have 1227 bytes: the limit is 1000;');
    expect(reads.filter((operation) => operation === 'getKv')).toHaveLength(3);
  });

  it('is deliverable to every subscriber: others are refused', async () => {
    const dtm = await startHttpCoordinator({ maxBranches: 2, maxCustomDataBytes: 40 });
    expect((await dtm.get(subscribe(`http://b/${'x'.repeat(40)}`))).body).toContain(
      'the subscribers of topic t have 49 bytes: the limit is 40;',
    );
    for (const url of ['http://b/1', 'http://b/2']) expect((await dtm.get(subscribe(url))).status).toBe(200);
    expect((await dtm.get(subscribe('http://b/3'))).body).toContain(
      'a message to topic t has 3 branches: the limit is 2;',
    );
    expect(await dtm.answer('submit', { ...MSG, wait_result: true })).toBe(SUCCESS_ANSWER);
  });
});

describe('a stored transaction beyond the limits, e.g. of Go dtm', () => {
  it('has calls and leases of the longest time that is allowed', async () => {
    const store = memoryStore();
    const now = START_TIME;
    const transaction = {
      gid: 'g',
      transType: 'saga',
      status: 'submitted',
      protocol: 'http',
      options: { requestTimeoutSeconds: 2_147_483_647 },
      createTime: now,
      updateTime: now,
      nextCronInterval: 10,
      nextCronTime: now,
    } as const;
    const row = { branchId: '01', payload: '', status: 'prepared' } as const;
    const branches = [
      { ...row, op: 'compensate', url: '' },
      { ...row, op: 'action', url: 'http://b/a' },
    ] as const;
    await store.create({ transaction, branches });
    const clock = new VirtualClock();
    const transport = new ScriptedTransport(clock);
    const held = transport.hold('01 action');
    const dtm = await startHttpCoordinator({ store, clock, transport });
    expect(await held.arrived).toMatchObject({ timeoutSeconds: 3600 });
    expect((await dtm.find('g')).transaction.nextCronTime - dtm.clock.now()).toBe(3_610_000);
    held.answer(SUCCESS);
  });
});

it('recovery works on some tens of megabytes at a time, and continues as soon as some of them end', async () => {
  const store = memoryStore();
  const customData = JSON.stringify({ filler: 'x'.repeat(16 * 1024 * 1024) });
  for (let index = 0; index < 12; index++) {
    const row = { branchId: '01', op: 'action', url: 'http://b/a', payload: '', status: 'prepared' } as const;
    const due = { createTime: START_TIME, updateTime: START_TIME, nextCronTime: START_TIME, nextCronInterval: 10 };
    const transaction = {
      gid: `g${index}`,
      transType: 'msg',
      status: 'submitted',
      protocol: 'http',
      options: {},
    } as const;
    await store.create({ transaction: { ...transaction, ...due, customData }, branches: [row] });
  }
  const clock = new VirtualClock();
  const transport = new ScriptedTransport(clock);
  const answers: (() => void)[] = [];
  transport.answer('01 action', () => new Promise((resolve) => answers.push(() => resolve(SUCCESS))));
  await startHttpCoordinator({ store, clock, transport });
  await clock.advance(3000);
  expect(answers.length).toBe(4);
  answers[0]!();
  await settled();
  expect(answers.length).toBe(5);
  for (let index = 1; index < 12; index++) {
    await settled();
    answers[index]!();
  }
  await settled();
  expect(await store.countUnfinished(100)).toMatchObject({ submitted: 0 });
});
