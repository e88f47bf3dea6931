import { createServer, type AddressInfo } from 'node:net';
import { dtmGrpcClient, type DtmGrpcClientOptions } from 'nestjs-dtm/client';
import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type DtmConnection,
} from 'nestjs-dtm/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultDriver } from '../../../lib/driver/index.js';
import { DTM_PROTO, EMPTY_PROTO, GRPC_STATUS, OPERATOR_PROTO, serviceMethods } from '../../../lib/protocol/internal.js';
import { deferred } from '../../support/deferred.js';
import { GrpcParticipant } from '../../support/grpc-participant.js';
import { H2Server, answerGrpc } from '../../support/h2-server.js';
import { Participant } from '../../support/participant.js';
import { waitUntil } from '../../support/wait-until.js';

const DTM = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO]);
const OPERATOR = serviceMethods('nestjsdtm.Operator', [OPERATOR_PROTO]);

const REQUEST = { gid: 'g', transType: 'saga' } as const;
const BRANCH = { gid: 'g', transType: 'tcc', branchId: '01', confirm: 'b:1/b.B/C', cancel: '', payload: '1' } as const;

/** A client that ends with the test. */
function clientOf(url: string, options: DtmGrpcClientOptions = {}): DtmConnection {
  const server = dtmGrpcClient(url, options);
  onTestFinished(() => server.close());
  return server;
}

/** A scripted dtm, all of whose methods answer an empty message, and a client of it. */
async function dtm(
  options: DtmGrpcClientOptions = {},
): Promise<{ participant: GrpcParticipant; server: DtmConnection }> {
  const participant = await GrpcParticipant.start();
  for (const { path } of Object.values(DTM)) participant.answer(path.slice(1), {});
  return { participant, server: clientOf(participant.address, options) };
}

/** The message of the only call. */
function received({ calls }: GrpcParticipant): object {
  expect(calls).toHaveLength(1);
  return DTM[calls[0]!.method.split('/')[2]!]!.requestDeserialize(calls[0]!.message);
}

async function errorOf(operation: Promise<unknown>): Promise<unknown> {
  return operation.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const NOTHING = Buffer.alloc(0);

const COMMANDS: [string, string, (server: DtmConnection) => Promise<void>, object][] = [
  [
    'prepare',
    'Prepare',
    (server) => server.prepare({ gid: 'g', transType: 'msg', queryPrepared: 'b:1/b.B/Q' }),
    { Gid: 'g', TransType: 'msg', QueryPrepared: 'b:1/b.B/Q', Steps: '', BinPayloads: [] },
  ],
  [
    'submit',
    'Submit',
    (server) =>
      server.submit({
        gid: 'g',
        transType: 'saga',
        steps: [{ action: 'b:1/b.B/A', compensate: 'http://b/c' }, { action: 'b:1/b.B/B' }],
        payloads: [new Uint8Array([0xff]), '{"a":"ä"}'],
        customData: '{"concurrent":true}',
        concurrent: true,
        waitResult: true,
        timeoutToFailSeconds: 1,
        requestTimeoutSeconds: 2,
        retryIntervalSeconds: 3,
        retryLimit: 4,
        branchHeaders: { 'x-a': 'b' },
        reqExtra: { status: 'succeed' },
        rollbackReason: 'why',
        protocol: 'grpc',
      }),
    {
      Gid: 'g',
      TransType: 'saga',
      TransOptions: {
        WaitResult: true,
        TimeoutToFail: 1,
        RequestTimeout: 2,
        RetryInterval: 3,
        RetryLimit: 4,
        BranchHeaders: { 'x-a': 'b' },
      },
      CustomedData: '{"concurrent":true}',
      BinPayloads: [Buffer.from([0xff]), Buffer.from('{"a":"ä"}')],
      QueryPrepared: '',
      Steps: '[{"action":"b:1/b.B/A","compensate":"http://b/c"},{"action":"b:1/b.B/B"}]',
      ReqExtra: { status: 'succeed' },
      RollbackReason: 'why',
    },
  ],
  [
    'abort',
    'Abort',
    (server) => server.abort({ gid: 'g', transType: 'tcc', rollbackReason: 'why' }),
    { Gid: 'g', TransType: 'tcc', RollbackReason: 'why' },
  ],
  [
    'registerBranch',
    'RegisterBranch',
    (server) => server.registerBranch(BRANCH),
    {
      Gid: 'g',
      TransType: 'tcc',
      BranchID: '01',
      Data: { confirm: 'b:1/b.B/C', cancel: '' },
      BusiPayload: Buffer.from('1'),
    },
  ],
  [
    'registerBranch',
    'RegisterBranch',
    (server) => server.registerBranch({ gid: 'g', transType: 'xa', branchId: '01', url: 'b:1/b.B/X' }),
    { Gid: 'g', TransType: 'xa', BranchID: '01', Data: { url: 'b:1/b.B/X' }, BusiPayload: NOTHING },
  ],
  [
    'registerBranch',
    'RegisterBranch',
    (server) =>
      server.registerBranch({
        gid: 'g',
        transType: 'workflow',
        branchId: '01',
        op: 'action',
        status: 'failed',
        payload: 'no',
      }),
    { TransType: 'workflow', Data: { op: 'action', status: 'failed' }, BusiPayload: Buffer.from('no') },
  ],
  [
    'subscribe',
    'Subscribe',
    (server) => server.subscribe('t', 'b:1/b.B/T', 'r'),
    { Topic: 't', URL: 'b:1/b.B/T', Remark: 'r' },
  ],
  [
    'unsubscribe',
    'Unsubscribe',
    (server) => server.unsubscribe('t', 'b:1/b.B/T'),
    { Topic: 't', URL: 'b:1/b.B/T', Remark: '' },
  ],
  ['deleteTopic', 'DeleteTopic', (server) => server.deleteTopic('t'), { Topic: 't', URL: '', Remark: '' }],
];

describe.each(COMMANDS)('%s', (operation, method, act, message) => {
  it(`is a call of ${method}`, async () => {
    const { participant, server } = await dtm();
    await act(server);
    expect(participant.calls[0]!.method).toBe(`/dtmgimp.Dtm/${method}`);
    expect(received(participant)).toMatchObject(message);
  });

  it.each<[keyof typeof GRPC_STATUS, string, new (message: string) => Error, string]>([
    ['ABORTED', 'wrong state FAILURE', DtmFailureError, 'wrong state'],
    ['ABORTED', '', DtmFailureError, `${operation} failed`],
    ['ABORTED', 'ONGOING', DtmOngoingError, `${operation} is not decided yet`],
    ['FAILED_PRECONDITION', 'later ONGOING', DtmOngoingError, 'later'],
    ['INVALID_ARGUMENT', 'bad gid', DtmArgumentError, `dtm refused ${operation}: bad gid`],
    ['UNKNOWN', 'boom', DtmServerError, `dtm refused ${operation}: UNKNOWN: boom`],
    ['INTERNAL', 'panic', DtmServerError, `dtm refused ${operation}: INTERNAL: panic`],
    ['UNAUTHENTICATED', 'who?', DtmServerError, `dtm refused ${operation}: UNAUTHENTICATED: who?`],
  ])('answered with %s %j throws what it means', async (status, details, type, text) => {
    const { participant, server } = await dtm();
    participant.answer(`dtmgimp.Dtm/${method}`, { code: GRPC_STATUS[status], details });
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toBe(text);
  });

  it.each([
    ['UNAVAILABLE', ''],
    [
      'DEADLINE_EXCEEDED',
      '; it may have executed the call, so query the transaction; timeoutSeconds of the client sets this time',
    ],
    ['CANCELLED', ''],
  ] as const)('answered with %s throws a connection error that names address and call', async (status, remedy) => {
    const { participant, server } = await dtm();
    participant.answer(`dtmgimp.Dtm/${method}`, { code: GRPC_STATUS[status], details: 'x' });
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect((error as Error).message).toBe(
      `dtm at ${participant.address} gave no answer to ${operation}: ${status}: x${remedy}`,
    );
  });

  it('reports an operation that the server lacks', async () => {
    const participant = await GrpcParticipant.start();
    const error = await errorOf(act(clientOf(participant.address)));
    expect(error).toBeInstanceOf(DtmServerError);
    expect((error as Error).message).toMatch(/UNIMPLEMENTED.*check that dtm listens at 127\.0\.0\.1:\d+$/);
  });
});

describe('errors', () => {
  it('have the gid', async () => {
    const { participant, server } = await dtm();
    participant.answer('dtmgimp.Dtm/Submit', { code: GRPC_STATUS.ABORTED });
    participant.answer('dtmgimp.Dtm/RegisterBranch', { code: GRPC_STATUS.UNKNOWN });
    expect(await errorOf(server.submit(REQUEST))).toMatchObject({ gid: 'g' });
    expect(await errorOf(server.registerBranch(BRANCH))).toMatchObject({ gid: 'g' });
    participant.stop();
    expect(await errorOf(server.prepare(REQUEST))).toMatchObject({ gid: 'g', code: 'DTM_CONNECTION' });
  });

  it('of a message that is too large name both sizes', async () => {
    const { participant, server } = await dtm({ maxAnswerBytes: 1000 });
    participant.answer('dtmgimp.Dtm/Submit', {
      code: GRPC_STATUS.RESOURCE_EXHAUSTED,
      details: 'larger than max (7 vs 5)',
    });
    const tooLarge = await errorOf(server.submit({ ...REQUEST, payloads: ['x'.repeat(10_000)] }));
    expect(tooLarge).toBeInstanceOf(DtmServerError);
    expect((tooLarge as Error).message).toMatch(
      /^dtm refused submit: RESOURCE_EXHAUSTED: larger than max \(7 vs 5\); the request has 100\d\d bytes, an answer may have 1000$/,
    );
    participant.answer('dtmgimp.Dtm/NewGid', { message: Buffer.alloc(2000) });
    expect(((await errorOf(server.newGid())) as Error).message).toMatch(/RESOURCE_EXHAUSTED.*2000.*may have 1000/);
  });

  it.each<[string, object, RegExp]>([
    ['branches over JSON-RPC', { protocol: 'json-rpc' }, /no field for branches over JSON-RPC; use a client over HTTP/],
    ['a concurrent message', { transType: 'msg', concurrent: true }, /no field for concurrent messages/],
    ['a start value of the retry counter', { retryCount: 2 }, /no field for retryCount/],
  ])('of %s come before anything is sent', async (_, change, message) => {
    const { participant, server } = await dtm();
    const error = await errorOf(server.submit({ ...REQUEST, ...change }));
    expect(error).toBeInstanceOf(DtmArgumentError);
    expect((error as Error).message).toMatch(message);
    expect(participant.calls).toHaveLength(0);
  });
});

describe('newGid', () => {
  it('returns the gid of the answer', async () => {
    const { participant, server } = await dtm();
    participant.answer('dtmgimp.Dtm/NewGid', { message: DTM['NewGid']!.responseSerialize({ Gid: 'g1' }) });
    expect(await server.newGid()).toBe('g1');
  });

  it('needs a gid in the answer', async () => {
    const { server } = await dtm();
    expect(((await errorOf(server.newGid())) as Error).message).toMatch(/answered newGid without a gid/);
  });

  it('with an unexpected answer throws a server error', async () => {
    const { participant, server } = await dtm();
    participant.answer('dtmgimp.Dtm/NewGid', { message: Buffer.from([10, 9, 1]) });
    const error = await errorOf(server.newGid());
    expect(error).toBeInstanceOf(DtmServerError);
    expect((error as Error).message).toMatch(/sent an unexpected answer to newGid: .*truncated/);
  });
});

describe('a dtm that does not answer', () => {
  it('is a connection error while no server listens, and is found again at once', async () => {
    const { participant, server } = await dtm();
    participant.stop();
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await errorOf(server.submit(REQUEST));
      expect(error).toBeInstanceOf(DtmConnectionError);
      expect((error as Error).message).toMatch(/gave no answer to submit: UNAVAILABLE: .*ECONNREFUSED/);
    }
    await participant.restart();
    await server.submit(REQUEST);
  });

  it('is a connection error after the time-out', async () => {
    const { participant, server } = await dtm({ timeoutSeconds: 0.2 });
    participant.answer('dtmgimp.Dtm/Submit', () => deferred<undefined>().promise);
    const error = await errorOf(server.submit(REQUEST));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect((error as Error).message).toMatch(/DEADLINE_EXCEEDED/);
  });

  it('is a connection error when it sends nothing at all', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined));
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const server = clientOf(`127.0.0.1:${(silent.address() as AddressInfo).port}`, { timeoutSeconds: 0.3 });
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmConnectionError);
  });

  it('is not asked a second time', async () => {
    const { participant, server } = await dtm();
    participant.answer('dtmgimp.Dtm/Submit', { code: GRPC_STATUS.UNAVAILABLE });
    await errorOf(server.submit(REQUEST));
    expect(participant.calls).toHaveLength(1);
  });
});

describe('what the gRPC API of dtm lacks', () => {
  const operations: [string, (server: DtmConnection) => Promise<unknown>][] = [
    ['query', (server) => server.query('g')],
    ['all', (server) => server.all()],
    ['forceStop', (server) => server.forceStop('g')],
    ['retryNow', (server) => server.retryNow('g')],
    ['version', (server) => server.version()],
  ];

  it.each(operations)('%s is refused by a server that lacks it, with the remedy', async (operation, act) => {
    const { server } = await dtm();
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConfigError);
    expect((error as Error).message).toMatch(
      new RegExp(`^dtm at .* has no ${operation} in its gRPC API; pass its HTTP API too: .*http: 'http://host:36789'`),
    );
  });

  it.each(operations)('%s uses the HTTP API when there is one', async (operation, act) => {
    const http = await Participant.start();
    http
      .answer('/api/dtmsvr/query', {
        body: '{"branches":[],"transaction":{"gid":"g","trans_type":"tcc","status":"failed"}}',
      })
      .answer('/api/dtmsvr/all', { body: '{"next_position":"7","transactions":null}' })
      .answer('/api/dtmsvr/version', { body: '{"version":"v1.19.0"}' });
    const { participant, server } = await dtm({ http: http.origin });
    expect(await act(server)).toEqual(
      {
        query: expect.objectContaining({ transaction: expect.objectContaining({ status: 'failed' }) }),
        all: { transactions: [], nextPosition: '7' },
        version: 'v1.19.0',
      }[operation],
    );
    expect(http.requests).toHaveLength(1);
    expect(participant.calls).toHaveLength(0);
  });

  it.each(operations)(
    '%s of a coordinator of this package has the parameters and answers of HTTP',
    async (operation, act) => {
      const { participant, server } = await dtm();
      const method = operation.charAt(0).toUpperCase() + operation.slice(1);
      const json = '{"transaction":null,"transactions":null,"next_position":"","version":"v0.1.0"}';
      participant.answer(`nestjsdtm.Operator/${method}`, { message: OPERATOR[method]!.responseSerialize({ json }) });
      expect(await act(server)).toEqual({ all: { transactions: [], nextPosition: '' }, version: 'v0.1.0' }[operation]);
      const request = OPERATOR[method]!.requestDeserialize(participant.calls[0]!.message) as { json: string };
      expect(JSON.parse(request.json)).toEqual(operation === 'all' || operation === 'version' ? {} : { gid: 'g' });
    },
  );

  it('all sends its filter as strings', async () => {
    const { participant, server } = await dtm();
    participant.answer('nestjsdtm.Operator/All', {});
    await errorOf(server.all({ status: 'failed', limit: 5, createTimeStart: undefined, attention: true }));
    const { json } = OPERATOR['All']!.requestDeserialize(participant.calls[0]!.message) as { json: string };
    expect(JSON.parse(json)).toEqual({ status: 'failed', limit: '5', attention: 'true' });
  });

  it('with an unexpected answer throws a server error', async () => {
    const { participant, server } = await dtm();
    participant.answer('nestjsdtm.Operator/Version', {
      message: OPERATOR['Version']!.responseSerialize({ json: '[]' }),
    });
    expect(await errorOf(server.version())).toBeInstanceOf(DtmServerError);
  });
});

describe('metadata', () => {
  it('is sent with every call', async () => {
    const { participant, server } = await dtm({ metadata: { Authorization: 'Bearer x', 'token-bin': 'ÿ' } });
    await server.submit(REQUEST);
    expect(participant.calls[0]!.metadata).toMatchObject({ authorization: 'Bearer x', 'token-bin': Buffer.from('ÿ') });
  });

  it('can come from a function', async () => {
    let count = 0;
    const { participant, server } = await dtm({ metadata: async () => ({ authorization: `Bearer ${++count}` }) });
    await server.submit(REQUEST);
    await server.submit(REQUEST);
    expect(participant.calls.map(({ metadata }) => metadata['authorization'])).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it.each<[string, Record<string, string>]>([
    ['name', { 'x y': 'secret' }],
    ['value', { 'x-y': 'secret\n' }],
    ['value in other letters', { 'x-y': 'secret ä' }],
  ])(
    'with a %s that gRPC cannot send is refused before anything is sent, without its value in the error',
    async (_, metadata) => {
      const { participant, server } = await dtm({ metadata });
      const error = await errorOf(server.submit(REQUEST));
      expect(error).toBeInstanceOf(DtmArgumentError);
      expect(String((error as Error).stack)).not.toContain('secret');
      expect(participant.calls).toHaveLength(0);
    },
  );

  it('fails the call with the error of its function', async () => {
    const { participant, server } = await dtm({ metadata: () => Promise.reject(new Error('no token')) });
    expect(await errorOf(server.submit(REQUEST))).toEqual(new Error('no token'));
    expect(participant.calls).toHaveLength(0);
  });
});

describe('the address', () => {
  it.each([
    ['localhost:36790', 'localhost:36790'],
    ['grpc://localhost:36790', 'localhost:36790'],
    ['grpc://localhost:36790/', 'localhost:36790'],
    ['grpcs://dtm.example:443', 'grpcs://dtm.example:443'],
    ['[::1]:36790', '[::1]:36790'],
    ['dns:///dtm:36790', 'dns:///dtm:36790'],
    ['protocol1://localhost:36790', 'protocol1://localhost:36790'],
    ['etcd://localhost:2379/dtmservice', 'etcd://localhost:2379/dtmservice'],
  ])('%s is sent to participants as %s', (url, address) => {
    expect(dtmGrpcClient(url)).toMatchObject({ address, protocol: 'grpc' });
  });

  it('tells participants that TLS is needed', () => {
    expect(dtmGrpcClient('dtm:1', { tls: {} }).address).toBe('grpcs://dtm:1');
  });

  it.each([
    ['', /is not the address of a gRPC API; expected something like localhost:36790/],
    ['localhost', /is not the address/],
    ['localhost:x', /is not the address/],
    ['grpc://localhost', /is not the address/],
    ['grpc://localhost:1/path', /is not the address/],
    ['etcd://a b', /is not the address/],
    ['http://localhost:36790', /is a URL of HTTP; use dtmHttpClient\(\)/],
    ['grpc://me:secret@dtm:1', /must not contain a user and password; use metadata/],
  ])('%s is refused', (url, message) => {
    expect(() => dtmGrpcClient(url)).toThrow(DtmConfigError);
    expect(() => dtmGrpcClient(url)).toThrow(message);
    expect(() => dtmGrpcClient(url)).not.toThrow(/secret/);
  });

  it('without TLS contradicts certificates', () => {
    expect(() => dtmGrpcClient('grpc://dtm:1', { tls: {} })).toThrow(/use grpcs:\/\//);
  });
});

describe('open()', () => {
  it.each<[string, DtmGrpcClientOptions, RegExp]>([
    ['a certificate without its key', { tls: { cert: 'x' } }, /needs both cert and key/],
    ['a certificate that is none', { tls: { cert: 'x', key: 'y' } }, /ca, cert or key cannot be read/],
  ])('fails with %s', async (_, options, message) => {
    const error = await errorOf(clientOf('dtm:1', options).open());
    expect(error).toBeInstanceOf(DtmConfigError);
    expect((error as Error).message).toMatch(message);
  });

  it('registers the resolver of the driver once', async () => {
    let count = 0;
    const driver = { ...defaultDriver(), registerGrpcResolver: () => void count++ };
    const { server } = await dtm({ driver });
    await server.open();
    await server.submit(REQUEST);
    expect(count).toBe(1);
  });

  it('can be called again after a driver has failed', async () => {
    let isBroken = true;
    const registerGrpcResolver = (): void => {
      if (isBroken) throw new Error('no registry');
    };
    const { server } = await dtm({ driver: { ...defaultDriver(), registerGrpcResolver } });
    expect(await errorOf(server.open())).toEqual(new Error('no registry'));
    expect(await errorOf(server.submit(REQUEST))).toMatchObject({
      code: 'DTM_CONNECTION',
      message: expect.stringMatching(/gave no answer to submit: no registry/),
    });
    isBroken = false;
    await server.submit(REQUEST);
  });
});

describe('close()', () => {
  it('can be called twice, and refuses calls after it', async () => {
    const http = await Participant.start();
    const { participant, server } = await dtm({ http: http.origin });
    await server.submit(REQUEST);
    await server.close();
    await server.close();
    expect(await errorOf(server.submit(REQUEST))).toBeInstanceOf(DtmConnectionError);
    expect(await errorOf(server.query('g'))).toBeInstanceOf(DtmConnectionError);
    expect(participant.calls).toHaveLength(1);
  });

  it('waits for running calls', async () => {
    const { participant, server } = await dtm();
    const answer = deferred<object>();
    participant.answer('dtmgimp.Dtm/Submit', () => answer.promise);
    const submitted = server.submit(REQUEST);
    await waitUntil(() => participant.calls.length === 1);
    const closed = server.close();
    answer.resolve({});
    await Promise.all([submitted, closed]);
  });

  it('needs no gRPC before the first call', async () => {
    await dtmGrpcClient('dtm:1').close();
  });
});

describe('the wire', () => {
  it('has a deadline, and the content type of gRPC', async () => {
    const h2 = await H2Server.start(({ stream }) => answerGrpc(stream, 0, NOTHING));
    await clientOf(h2.address, { timeoutSeconds: 9 }).submit(REQUEST);
    const { headers } = h2.calls[0]!;
    expect(headers).toMatchObject({ ':path': '/dtmgimp.Dtm/Submit', 'content-type': 'application/grpc' });
    expect(headers['grpc-timeout']).toMatch(/^(8\d{3}|9000)m$|^(8\d{6}|9000000)u$|^9S$/);
    expect(headers[':authority']).toBe(h2.address);
  });
});
