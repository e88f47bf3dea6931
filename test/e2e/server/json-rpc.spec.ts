import { httpTransport } from 'nestjs-dtm/client';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { post, type RawAnswer } from '../../support/http-client.js';
import { startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { Participant, type Reply } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

describe('the JSON-RPC API', () => {
  let dtm: HttpCoordinator;

  beforeEach(async () => {
    dtm = await startHttpCoordinator();
  });

  const raw = (body: unknown): Promise<RawAnswer> => post(`${new URL(dtm.base).origin}/api/json-rpc`, body);

  async function call(method: string, params?: unknown): Promise<unknown> {
    const { status, type, body } = await raw({ jsonrpc: '2.0', id: 'no-use', method, params });
    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    const answer = JSON.parse(body) as { error: unknown; result: unknown };
    expect(Object.keys(answer)).toEqual(['error', 'id', 'jsonrpc', 'result']);
    expect(answer).toMatchObject({ id: 'no-use', jsonrpc: '2.0' });
    return answer.error ?? answer.result;
  }

  it('newGid returns only a gid', async () => {
    expect(await call('newGid')).toEqual({ gid: expect.stringMatching(/^[23456789A-HJ-NP-Za-km-z]{18,22}$/) });
  });

  it('prepares, registers, submits and aborts like the HTTP API, with null as result', async () => {
    const tcc = { gid: 'g', trans_type: 'tcc' };
    expect(await call('prepare', tcc)).toBeNull();
    expect(await call('registerBranch', { ...tcc, branch_id: '01', confirm: 'http://b/f', cancel: null })).toBeNull();
    expect(await call('submit', { ...tcc, wait_result: true })).toBeNull();
    expect(await dtm.show('g')).toBe('succeed: 01 cancel prepared, 01 confirm succeed');
    await call('prepare', { ...tcc, gid: 'h' });
    expect(await call('abort', { ...tcc, gid: 'h', wait_result: true })).toBeNull();
    expect(await dtm.show('h')).toMatch(/^failed/);
  });

  it('answers a refusal with -32901 and an empty result', async () => {
    await call('submit', { gid: 'g', trans_type: 'tcc', wait_result: true });
    const { status, body } = await raw({
      jsonrpc: '2.0',
      id: 'a',
      method: 'abort',
      params: { gid: 'g', trans_type: 'tcc' },
    });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      error: { code: -32901, message: expect.stringContaining("current status 'succeed', cannot abort.") },
      result: {},
    });
  });

  it.each(['query', 'forceStop', 'prepareWorkflow', 'toString', '__proto__', ''])(
    'answers the unknown method "%s" with -32601',
    async (method) => {
      expect(await call(method)).toEqual({ code: -32601, message: `Method not found: ${method}` });
    },
  );

  it.each<[string, object]>([
    ['no id', { jsonrpc: '2.0', method: 'newGid' }],
    ['an empty id', { jsonrpc: '2.0', id: '', method: 'newGid' }],
    ['another version', { jsonrpc: '1.0', id: 'a', method: 'newGid' }],
    ['no version', { id: 'a', method: 'newGid' }],
  ])('answers a request with %s with -32600', async (_, request) => {
    const { status, body } = await raw(request);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      error: { code: -32600, message: expect.stringMatching(/^Bad json request: \{/) },
      result: null,
    });
  });

  it.each(['', '{', 'null', '5', '[]', '[{"jsonrpc":"2.0","id":"a","method":"newGid"}]', '{"jsonrpc":"2.0","id":1}'])(
    'answers an unreadable request with 400 and -32700: %s',
    async (body) => {
      const answer = await raw(body);
      expect([answer.status, answer.type]).toEqual([400, 'text/plain; charset=utf-8']);
      expect(JSON.parse(answer.body)).toMatchObject({
        error: { code: -32700, message: expect.stringMatching(/^Parse json error: /) },
      });
    },
  );

  it.each<[string, string, unknown]>([
    ['submit without params', 'submit', undefined],
    ['submit with a list', 'submit', []],
    ['submit with an unknown protocol', 'submit', { gid: 'g', trans_type: 'saga', protocol: 'smtp' }],
    ['submit of an unknown type', 'submit', { gid: 'g', trans_type: 'zz' }],
    ['abort of an unknown gid', 'abort', { gid: 'g', trans_type: 'tcc' }],
    ['registerBranch with a number', 'registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: 1 }],
    ['registerBranch without params', 'registerBranch', undefined],
  ])('answers %s with -32603', async (_, method, params) => {
    expect(await call(method, params)).toEqual({ code: -32603, message: expect.any(String) });
  });

  it('answers a result that does not exist yet with -32902', async () => {
    const params = { gid: 'g', trans_type: 'msg', custom_data: '{"delay":9}', wait_result: true };
    expect(await call('submit', params)).toEqual({ code: -32902, message: expect.stringContaining('g is submitted') });
  });
});

describe('a branch that is called by JSON-RPC', () => {
  /** Submits a saga of one step; returns the participant and the answer to the initiator. */
  async function submit(payload: string, reply: Reply, query = '?method=TransOut', protocol = 'json-rpc') {
    const participant = await Participant.start();
    participant.answer('/rpc', reply);
    const server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen: { port: 0 } });
    onTestFinished(() => server.close());
    await server.open();
    const steps = [{ action: participant.url(`/rpc${query}`) }];
    const body = { gid: 'g', trans_type: 'saga', steps, payloads: [payload], protocol, wait_result: true };
    const { status } = await post(`${server.address!}/submit`, body);
    return { status, requests: participant.requests };
  }
  const OK = { body: '{"jsonrpc":"2.0","id":"x","result":null,"error":null}' };
  const error = (code: number): Reply => ({
    body: JSON.stringify({ jsonrpc: '2.0', id: 'x', error: { code, message: 'no' } }),
  });

  it('receives the payload with the branch parameters as params, at the unchanged URL', async () => {
    const { status, requests } = await submit('{"amount":3,"gid":"mine"}', OK);
    expect(status).toBe(200);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', path: '/rpc', search: 'method=TransOut' });
    expect(JSON.parse(requests[0]!.body)).toEqual({
      id: expect.stringMatching(/./),
      jsonrpc: '2.0',
      method: 'TransOut',
      params: { amount: 3, branch_id: '01', gid: 'g', op: 'action', trans_type: 'saga' },
    });
  });

  it.each(['', 'null', '{}'])('can have no payload: %j', async (payload) => {
    const { status, requests } = await submit(payload, OK);
    expect(status).toBe(200);
    expect(JSON.parse(requests[0]!.body)).toMatchObject({
      params: { branch_id: '01', gid: 'g', op: 'action', trans_type: 'saga' },
    });
  });

  it.each<[string, Reply, number]>([
    ['-32901 as failure', error(-32901), 409],
    ['-32902 as ongoing', error(-32902), 425],
    ['another code as unknown', error(-32603), 425],
    ['FAILURE in the body as failure', { body: '{"error":{"code":1,"message":"FAILURE"}}' }, 409],
    ['a status other than 200 as unknown', { status: 500, ...OK }, 425],
    ['what is not JSON as unknown', { body: 'fine' }, 425],
    ['what is no object as unknown', { body: '5' }, 425],
    ['a result as success', { body: '{"jsonrpc":"2.0","id":"x","result":{"a":1}}' }, 200],
  ])('answers %s', async (_, reply, status) => {
    expect((await submit('{}', reply)).status).toBe(status);
  });

  it.each(['[1]', '5', 'text'])('is not called with a payload that is not an object: %s', async (payload) => {
    const { status, requests } = await submit(payload, OK);
    expect([status, requests.length]).toEqual([425, 0]);
  });

  it('is called over plain HTTP when its URL names no method, or the transaction names another protocol', async () => {
    for (const [query, protocol] of [
      ['', 'json-rpc'],
      ['?method=TransOut', 'http'],
    ]) {
      const { requests } = await submit('{"amount":3}', {}, query, protocol);
      expect(requests[0]).toMatchObject({ body: '{"amount":3}', query: { gid: 'g', op: 'action' } });
    }
  });

  it('queries a silent initiator of a message, which has no payload, in the same way', async () => {
    const participant = await Participant.start();
    participant.answer('/rpc', OK);
    const transport = httpTransport();
    onTestFinished(() => transport.close());
    const outcome = await transport.call({
      url: participant.url('/rpc?method=Query'),
      context: { gid: 'g', transType: 'msg', branchId: '00', op: 'msg' },
      payload: '',
      protocol: 'json-rpc',
      timeoutSeconds: 3,
    });
    expect(outcome.kind).toBe('success');
    expect(JSON.parse(participant.requests[0]!.body)).toMatchObject({ method: 'Query', params: { op: 'msg' } });
  });
});
