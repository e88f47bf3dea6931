import { dtmJsonRpcClient, type DtmJsonRpcClientOptions } from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  SUCCESS_BODY,
  type DtmConnection,
} from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Participant, type Reply } from '../../support/participant.js';

const PATH = '/api/json-rpc';
const REQUEST = { gid: 'g', transType: 'saga' } as const;
const BRANCH = { gid: 'g', transType: 'tcc', branchId: '01', confirm: 'http://b/c', cancel: '', payload: '1' } as const;

const OK = { body: '{"error":null,"id":"1","jsonrpc":"2.0","result":null}' };

/** A scripted dtm and a client of it. */
async function dtm(
  options: DtmJsonRpcClientOptions = {},
): Promise<{ participant: Participant; server: DtmConnection }> {
  const participant = await Participant.start();
  participant.answer(PATH, OK);
  const server = dtmJsonRpcClient(participant.origin + PATH, options);
  onTestFinished(() => server.close());
  await server.open();
  server.recover();
  return { participant, server };
}

const refusal = (code: unknown, message: string): Reply => ({
  body: JSON.stringify({ error: { code, message }, id: '1', jsonrpc: '2.0', result: {} }),
});

async function errorOf(operation: Promise<unknown>): Promise<unknown> {
  return operation.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const COMMANDS: [string, (server: DtmConnection) => Promise<void>, object][] = [
  [
    'prepare',
    (server) => server.prepare({ ...REQUEST, protocol: 'json-rpc' }),
    { trans_type: 'saga', protocol: 'json-rpc' },
  ],
  ['submit', (server) => server.submit({ ...REQUEST, payloads: ['{}'] }), { trans_type: 'saga', payloads: ['{}'] }],
  [
    'abort',
    (server) => server.abort({ gid: 'g', transType: 'tcc', rollbackReason: 'why' }),
    { rollback_reason: 'why' },
  ],
  ['registerBranch', (server) => server.registerBranch(BRANCH), { branch_id: '01', confirm: 'http://b/c', data: '1' }],
];

describe.each(COMMANDS)('%s', (operation, act, params) => {
  it('is a call of JSON-RPC', async () => {
    const { participant, server } = await dtm({ headers: { authorization: 'Bearer x' } });
    await act(server);
    expect(participant.lines).toEqual([`POST ${PATH}`]);
    expect(participant.requests[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer x',
    });
    expect(JSON.parse(participant.requests[0]!.body)).toEqual({
      jsonrpc: '2.0',
      id: expect.stringMatching(/./),
      method: operation,
      params: expect.objectContaining({ gid: 'g', ...params }),
    });
  });

  it.each<[Reply, new (message: string) => Error, string]>([
    [refusal(-32901, 'wrong state FAILURE'), DtmFailureError, 'wrong state'],
    [refusal(-32901, ''), DtmFailureError, `${operation} failed`],
    [refusal('-32901', 'no'), DtmFailureError, 'no'],
    [refusal(-32902, 'ONGOING'), DtmOngoingError, `${operation} is not decided yet`],
    [refusal(-32602, 'bad gid'), DtmArgumentError, `dtm refused ${operation}: bad gid`],
    // its words decide nothing
    [refusal(-32603, 'x FAILURE'), DtmServerError, `dtm refused ${operation}: error -32603: x FAILURE`],
    [
      refusal(-32601, 'Method not found: x'),
      DtmServerError,
      `dtm refused ${operation}: error -32601: Method not found: x`,
    ],
    [
      { ...refusal(-32700, 'Parse json error: x'), status: 400 },
      DtmServerError,
      `dtm refused ${operation}: error -32700: Parse json error: x`,
    ],
    [{ status: 501, body: '{"result":null}' }, DtmServerError, `dtm refused ${operation}: status 501`],
  ])('answered with %j throws what it means', async (reply, type, message) => {
    const { participant, server } = await dtm();
    participant.answer(PATH, reply);
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message, gid: 'g' });
  });

  it.each<Reply>([
    { status: 404, body: '404 page not found' },
    { status: 200, body: '' },
    { status: 200, body: '[]' },
    { status: 200, body: 'null' },
    { status: 200, body: SUCCESS_BODY },
    { status: 200, body: '{"error":"x"}' },
  ])('answered with %j throws a server error', async (reply) => {
    const { participant, server } = await dtm();
    participant.answer(PATH, reply);
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmServerError);
    expect((error as Error).message).toMatch(/sent an unexpected answer to \w+ with status \d+: /);
  });

  it('without an answer throws a connection error that names address, call and gid', async () => {
    const { participant, server } = await dtm();
    await participant.close();
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error).toMatchObject({ message: expect.stringContaining(`gave no answer to ${operation}: `), gid: 'g' });
  });

  it('without an answer in time throws a connection error', async () => {
    const { participant, server } = await dtm({ timeoutSeconds: 0.05 });
    participant.answer(PATH, () => undefined);
    expect(await errorOf(act(server))).toBeInstanceOf(DtmConnectionError);
  });
});

describe('newGid', () => {
  it('returns the gid of the result, which must exist', async () => {
    const { participant, server } = await dtm();
    participant.answer(PATH, { body: '{"error":null,"id":"1","jsonrpc":"2.0","result":{"gid":"g1"}}' }, OK);
    expect(await server.newGid()).toBe('g1');
    expect(((await errorOf(server.newGid())) as Error).message).toMatch(/answered newGid without a gid/);
  });
});

describe('what JSON-RPC lacks', () => {
  it('uses the HTTP API of the same host', async () => {
    const { participant, server } = await dtm({ headers: { authorization: 'Bearer x' } });
    participant
      .answer('/api/dtmsvr/query', { body: '{"branches":[],"transaction":null}' })
      .answer('/api/dtmsvr/all', { body: '{"next_position":"","transactions":null}' })
      .answer('/api/dtmsvr/version', { body: '{"version":"v1"}' });
    expect(await server.query('g')).toBeUndefined();
    expect(await server.all()).toEqual({ transactions: [], nextPosition: '' });
    expect(await server.version()).toBe('v1');
    await server.forceStop('g');
    await server.retryNow('g');
    await server.subscribe('t', 'http://b/t');
    await server.unsubscribe('t', 'http://b/t');
    await server.deleteTopic('t');
    expect(participant.lines).toEqual([
      'GET /api/dtmsvr/query',
      'GET /api/dtmsvr/all',
      'GET /api/dtmsvr/version',
      'POST /api/dtmsvr/forceStop',
      'POST /api/dtmsvr/resetNextCronTime',
      'GET /api/dtmsvr/subscribe',
      'GET /api/dtmsvr/unsubscribe',
      'DELETE /api/dtmsvr/topic/t',
    ]);
    for (const { headers } of participant.requests) expect(headers).toMatchObject({ authorization: 'Bearer x' });
  });
});

describe('the address', () => {
  it.each([
    ['http://dtm:36789/api/json-rpc', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/api/json-rpc/', 'http://dtm:36789/api/dtmsvr'],
    ['https://proxy.example/dtm/api/json-rpc', 'https://proxy.example/dtm/api/dtmsvr'],
  ])('of %s that participants get is that of the HTTP API: %s', (url, address) => {
    expect(dtmJsonRpcClient(url)).toMatchObject({ address, protocol: 'json-rpc' });
  });

  it.each([
    ['http://dtm:36789', /does not end with \/api\/json-rpc; expected something like/],
    ['http://dtm:36789/api/json-rpc?x=1', /does not end with/],
    ['dtm/api/json-rpc', /is not a URL/],
    ['etcd://dtm/api/json-rpc', /has the scheme etcd:/],
    ['http://me:secret@dtm/api/json-rpc', /must not contain a user and password/],
  ])('%s is refused', (url, message) => {
    expect(() => dtmJsonRpcClient(url)).toThrow(DtmConfigError);
    expect(() => dtmJsonRpcClient(url)).toThrow(message);
  });
});

describe('close()', () => {
  it('can be called twice, and refuses calls after it', async () => {
    const { participant, server } = await dtm();
    await server.close();
    await server.close();
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmConnectionError);
    expect(await errorOf(server.query('g'))).toBeInstanceOf(DtmConnectionError);
    expect(participant.requests).toHaveLength(0);
  });
});
