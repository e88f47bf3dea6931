import { lookup } from 'node:dns/promises';
import { constants } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { defaultDriver, type DtmDriver } from '../../../lib/driver/index.js';
import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { GRPC_STATUS, WORKFLOW_PROTO } from '../../../lib/protocol/internal.js';
import { grpcTransport } from '../../../lib/transport/index.js';
import { deferred } from '../../support/deferred.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { Participant } from '../../support/participant.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { H2Server, answerGrpc, answerOk, type RawCall } from '../../support/h2-server.js';
import { waitUntil } from '../../support/wait-until.js';

const CONTEXT = { gid: 'g1', transType: 'saga', branchId: '01', op: 'action' } as const;

function make(...options: Parameters<typeof grpcTransport>): Transport {
  const transport = grpcTransport(...options);
  onTestFinished(() => transport.close());
  return transport;
}

function callTo(url: string, change: Partial<OutgoingBranchCall> = {}): OutgoingBranchCall {
  return { url, context: CONTEXT, payload: '', protocol: 'grpc', timeoutSeconds: 5, ...change };
}

describe('the call of a gRPC branch', () => {
  it('is a plain unary call with the branch parameters as metadata', async () => {
    const server = await H2Server.start();
    const headers = { 'X-Trace': 'a b', 'Content-Type': 'text/plain', 'token-bin': 'ÿ' };
    const payload = new Uint8Array([9, 0xff, 0x00, 9]).subarray(1, 3);
    const url = `${server.address}/bank.Bank/TransOut`;
    expect(await make().call(callTo(url, { payload, headers, timeoutSeconds: 7 }))).toEqual({
      kind: 'success',
      body: Buffer.alloc(0),
    });
    const [{ headers: sent, rawHeaders, body }] = server.calls as [(typeof server.calls)[0]];
    expect(sent).toMatchObject({
      ':method': 'POST',
      ':path': '/bank.Bank/TransOut',
      ':authority': server.address,
      ':scheme': 'http',
      'content-type': 'application/grpc',
      te: 'trailers',
      'dtm-gid': 'g1',
      'dtm-trans_type': 'saga',
      'dtm-branch_id': '01',
      'dtm-op': 'action',
      'dtm-dtm': '',
      'x-trace': 'a b',
      'token-bin': Buffer.from('ÿ').toString('base64'),
    });
    // milliseconds or microseconds
    expect(sent['grpc-timeout']).toMatch(/^(6\d{3}|7000)m$|^(6\d{6}|7000000)u$|^7S$/);
    expect(rawHeaders.filter((name) => name.startsWith('dtm-'))).toHaveLength(5);
    expect([...body]).toEqual([0, 0, 0, 0, 2, 0xff, 0x00]);
  });

  it('sends text as UTF-8 and an empty payload as an empty message', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const transport = make();
    await transport.call(callTo(participant.url('b.B/In'), { payload: '{"to":"Zoë"}' }));
    await transport.call(callTo(participant.url('b.B/In')));
    expect(participant.calls.map(({ message }) => message.toString())).toEqual(['{"to":"Zoë"}', '']);
  });

  it('to an initiator sends the workflow input in the message of the contract', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('workflow.Workflow/Execute', REPLIES.success);
    const context = { gid: 'g1', transType: 'workflow', branchId: '00', op: 'transfer' } as const;
    const payload = Buffer.from([1, 2, 0xff]);
    const transport = make();
    const url = participant.url('workflow.Workflow/Execute');
    await transport.call(callTo(url, { context, payload }));
    const [{ message, metadata }] = participant.calls as [(typeof participant.calls)[0]];
    const { requestDeserialize } = definitionOf(WORKFLOW_PROTO, 'Workflow')['Execute']!;
    expect(requestDeserialize(message)).toEqual({ Data: payload });
    expect(metadata).toMatchObject({ 'dtm-op': 'transfer', 'dtm-branch_id': '00', 'dtm-trans_type': 'workflow' });
    // a branch call by the workflow itself is an ordinary call
    await transport.call(callTo(url, { context: { ...context, branchId: '01', op: 'action' }, payload }));
    expect(participant.calls[1]!.message.equals(payload)).toBe(true);
  });

  it('sends payloads above the default limit of gRPC servers', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const payload = Buffer.alloc(9_000_000, 7);
    expect(await make().call(callTo(participant.url('b.B/In'), { payload }))).toMatchObject({ kind: 'success' });
    expect(participant.calls[0]!.message.equals(payload)).toBe(true);
  });
});

describe('the answer of a gRPC branch', () => {
  it.each<[string, object, object]>([
    ['OK', REPLIES.success, { kind: 'success', body: Buffer.alloc(0) }],
    [
      'OK with a contradicting message',
      { message: Buffer.from('FAILURE') },
      { kind: 'success', body: Buffer.from('FAILURE') },
    ],
    ['ABORTED', REPLIES.failure, { kind: 'failure', message: 'no money' }],
    ['ABORTED ONGOING', { code: 10, details: 'ONGOING' }, { kind: 'ongoing', message: '' }],
    ['FAILED_PRECONDITION', REPLIES.ongoing, { kind: 'ongoing', message: 'not yet' }],
    ['INTERNAL', REPLIES.broken, { kind: 'unknown', message: 'INTERNAL: boom', unreachable: false, definite: false }],
    [
      'UNAVAILABLE',
      { code: 14, details: 'later' },
      { kind: 'unknown', message: 'UNAVAILABLE: later', unreachable: true, connected: true, definite: false },
    ],
    ['non-ASCII text', { code: 10, details: 'нет 100% 💰' }, { kind: 'failure', message: 'нет 100% 💰' }],
  ])('%s is decided by its status', async (_, reply, outcome) => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', reply);
    expect(await make().call(callTo(participant.url('b.B/In')))).toEqual(outcome);
  });

  it('UNIMPLEMENTED names the missing method', async () => {
    const participant = await GrpcParticipant.start();
    const outcome = await make().call(callTo(participant.url('b.B/Nowhere')));
    expect(outcome).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^UNIMPLEMENTED: .*b\.B\/Nowhere/),
    });
  });

  it('must not exceed the size limit', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', { message: Buffer.alloc(1001) });
    const outcome = await make({ maxAnswerBytes: 1000 }).call(callTo(participant.url('b.B/In')));
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(/^RESOURCE_EXHAUSTED: .*1001/) });
    expect(await make().call(callTo(participant.url('b.B/In')))).toMatchObject({ kind: 'success' });
  });

  it('with two messages is unknown', async () => {
    const server = await H2Server.start(({ stream }) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(10));
    });
    const outcome = await make().call(callTo(`${server.address}/b.B/In`, { timeoutSeconds: 0.2 }));
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(/^[A-Z_]+: ./) });
  });

  it.each<[string, Parameters<typeof H2Server.start>[0]]>([
    ['OK without a message', ({ stream }) => answerGrpc(stream, 0)],
    [
      'no status',
      ({ stream }) => stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { endStream: true }),
    ],
    ['a status that is not a number', ({ stream }) => stream.respond({ 'grpc-status': 'x' }, { endStream: true })],
    [
      'an HTML page',
      ({ stream }) => stream.respond({ ':status': 404, 'content-type': 'text/html' }, { endStream: true }),
    ],
    ['HTTP status 409', ({ stream }) => stream.respond({ ':status': 409 }, { endStream: true })],
    ['a broken stream', ({ stream }) => stream.close(2)],
    ['a broken connection', ({ stream }) => stream.session!.destroy()],
    ['an incomplete message', ({ stream }) => (stream.respond({ ':status': 200 }), stream.end(Buffer.from([0, 0, 0])))],
  ])('%s is unknown', async (_, handler) => {
    const server = await H2Server.start(handler);
    const outcome = await make().call(callTo(`${server.address}/b.B/In`));
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(/^([A-Z_]+: .|status NaN: )/) });
  });
});

describe('a call that a gRPC server refuses before processing', () => {
  it('is retried once at once, because the connection may be closing', async () => {
    const server = await H2Server.start(({ stream }) => {
      server.answer(answerOk);
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    expect(await make().call(callTo(`${server.address}/b.B/In`))).toMatchObject({ kind: 'success' });
    expect(server.calls).toHaveLength(2);
  });

  it('is unknown after a second refusal', async () => {
    const server = await H2Server.start(({ stream }) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    expect(await make().call(callTo(`${server.address}/b.B/In`))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^UNAVAILABLE: ./),
      unreachable: true,
    });
  });
});

describe('a gRPC branch that does not answer', () => {
  it('is unknown after the time-out', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', () => deferred<undefined>().promise);
    const outcome = await make().call(callTo(participant.url('b.B/In'), { timeoutSeconds: 0.2 }));
    expect(outcome).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(
        /^DEADLINE_EXCEEDED: Deadline exceeded after 0\.(2|19).*; requestTimeoutSeconds of the branch, of the transaction or of the coordinator/,
      ),
      unreachable: true,
      connected: true,
    });
  });

  it('because it is one of HTTP is unknown, with what to write', async () => {
    const participant = await Participant.start();
    const url = participant.url('/b.B/In').replace('http://', '');
    expect(await make().call(callTo(url))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(
        /; the server does not speak gRPC, so put http:\/\/ in front of the URL of a branch over HTTP$/,
      ),
    });
  });

  it('because its port is closed is unknown at once, and the next call tries again at once', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const call = callTo(participant.url('b.B/In'), { timeoutSeconds: 100 });
    const transport = make();
    participant.stop();
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await transport.call(call)).toMatchObject({
        kind: 'unknown',
        message: expect.stringMatching(/^UNAVAILABLE: .*ECONNREFUSED/),
        unreachable: true,
        connected: false,
      });
    }
    await participant.restart();
    // gRPC itself would wait for its back-off
    expect(await transport.call(call)).toMatchObject({ kind: 'success' });
  });

  it('because of a restart is called on a new connection', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const call = callTo(participant.url('b.B/In'));
    const transport = make();
    expect(await transport.call(call)).toMatchObject({ kind: 'success' });
    await participant.restart();
    // the first call may still use the closing connection
    await waitUntil(async () => (await transport.call(call)).kind === 'success');
  });

  it('because its host name does not exist is unknown, and waiting does not change it', async () => {
    const outcome = await make().call(callTo('nowhere.invalid:9000/b.B/In'));
    // a resolver that cannot be reached answers EAI_AGAIN, which may change
    const code = await lookup('nowhere.invalid').catch((error: { code?: string }) => error.code);
    expect(outcome).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^UNAVAILABLE: Name resolution failed/),
      unreachable: true,
      definite: code === 'ENOTFOUND',
    });
  });

  it.each<[string, (socket: Socket) => void]>([
    ['sends nothing', () => undefined],
    ['speaks another protocol', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['closes the connection', (socket) => void socket.destroy()],
  ])('because its server %s is unknown within the time-out', async (_, onConnection) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outcome = await make().call(callTo(`${address}/b.B/In`, { timeoutSeconds: 0.5 }));
    expect(outcome).toMatchObject({ kind: 'unknown', unreachable: true });
  });
});

describe('the connection to a gRPC server', () => {
  it('is shared by all calls', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const transport = make();
    await Promise.all(Array.from({ length: 50 }, () => transport.call(callTo(participant.url('b.B/In')))));
    await transport.call(callTo(participant.url('b.B/In')));
    expect(new Set(participant.calls.map(({ peer }) => peer)).size).toBe(1);
  });

  it('leaves room for other methods while all calls of one method hang', async () => {
    const held: RawCall[] = [];
    const server = await H2Server.start((call) => {
      if (call.headers[':path'] === '/b.B/Hangs') held.push(call);
      else answerOk(call);
    });
    const transport = make();
    const hangs = callTo(`${server.address}/b.B/Hangs`, { timeoutSeconds: 20 });
    const hanging = Array.from({ length: 300 }, () => transport.call(hangs));
    await waitUntil(() => server.calls.length === 300);
    // fifty on the shared connection, and the others on one of the method
    expect(server.connections).toBe(2);
    const connectionOf = (index: number) => server.calls[index]!.connection;
    expect(server.calls.filter(({ connection }) => connection === connectionOf(0))).toHaveLength(50);
    expect(await transport.call(callTo(`${server.address}/b.B/Other`))).toMatchObject({ kind: 'success' });
    expect(connectionOf(300)).toBe(connectionOf(0));
    for (const call of held) answerOk(call);
    for (const outcome of await Promise.all(hanging)) expect(outcome).toMatchObject({ kind: 'success' });
  });

  it('is not reused after a time-out without any answer', async () => {
    const server = await H2Server.start(() => undefined);
    const url = `${server.address}/b.B/In`;
    const transport = make();
    expect(await transport.call(callTo(url, { timeoutSeconds: 0.2 }))).toMatchObject({ kind: 'unknown' });
    server.answer(answerOk);
    expect(await transport.call(callTo(url))).toMatchObject({ kind: 'success' });
    expect(server.calls.map(({ connection }) => connection)).toEqual([0, 1]);
    await waitUntil(() => server.sessions.size === 1);
  });

  it('is kept after a time-out if another call was answered', async () => {
    const server = await H2Server.start();
    const url = `${server.address}/b.B/In`;
    const transport = make();
    server.answer((call) => (call.headers['dtm-gid'] === 'slow' ? undefined : answerOk(call)));
    const slow = transport.call(callTo(url, { context: { ...CONTEXT, gid: 'slow' }, timeoutSeconds: 0.5 }));
    await waitUntil(() => server.calls.length === 1);
    expect(await transport.call(callTo(url))).toMatchObject({ kind: 'success' });
    expect(await slow).toMatchObject({ kind: 'unknown' });
    expect(await transport.call(callTo(url))).toMatchObject({ kind: 'success' });
    expect(server.connections).toBe(1);
  });

  it('is closed after an idle period, and reopened', async () => {
    const server = await H2Server.start();
    const url = `${server.address}/b.B/In`;
    const transport = make({ idleSeconds: 0.1 });
    await transport.call(callTo(url));
    await waitUntil(() => server.sessions.size === 0);
    expect(await transport.call(callTo(url))).toMatchObject({ kind: 'success' });
    expect(server.connections).toBe(2);
  });

  it('is not closed while a call runs', async () => {
    const server = await H2Server.start(() => undefined);
    const other = await H2Server.start();
    const transport = make({ idleSeconds: 0.05 });
    const call = transport.call(callTo(`${server.address}/b.B/In`));
    await waitUntil(() => server.calls.length === 1);
    // long enough for the check of idle servers
    await transport.call(callTo(`${other.address}/b.B/In`));
    await waitUntil(() => other.sessions.size === 0);
    server.answer(answerOk);
    expect(await transport.call(callTo(`${server.address}/b.B/In`))).toMatchObject({ kind: 'success' });
    expect(server.connections).toBe(1);
    answerOk(server.calls[0]!);
    expect(await call).toMatchObject({ kind: 'success' });
  });

  it('stays open for running calls after it is given up', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `127.0.0.1:${(server.address() as AddressInfo).port}/b.B/In`;
    const transport = make();
    const patient = transport.call(callTo(url, { timeoutSeconds: 1 }));
    expect(await transport.call(callTo(url, { timeoutSeconds: 0.2 }))).toMatchObject({ kind: 'unknown' });
    expect(await transport.call(callTo(url, { timeoutSeconds: 0.2 }))).toMatchObject({ kind: 'unknown' });
    expect(await patient).toMatchObject({ message: expect.stringMatching(/^DEADLINE_EXCEEDED/) });
  });

  it('of the least recently called server is closed above the limit', async () => {
    const servers = await Promise.all([H2Server.start(), H2Server.start(), H2Server.start()]);
    const [a, b, c] = servers as [H2Server, H2Server, H2Server];
    const transport = make({ maxServers: 2 });
    const now = vi.spyOn(Date, 'now');
    onTestFinished(() => now.mockRestore());
    const start = Date.now();
    for (const [index, server] of [a, b, a, c].entries()) {
      now.mockReturnValue(start + index);
      expect(await transport.call(callTo(`${server.address}/b.B/In`))).toMatchObject({ kind: 'success' });
    }
    await waitUntil(() => b.sessions.size === 0);
    expect([a.sessions.size, c.sessions.size]).toEqual([1, 1]);
  });

  it('ignores proxies in the environment', async () => {
    for (const name of ['http_proxy', 'https_proxy', 'grpc_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    expect(await make().call(callTo(participant.url('b.B/In')))).toMatchObject({ kind: 'success' });
  });
});

describe('a gRPC branch that cannot be called', () => {
  it.each<[string, Partial<OutgoingBranchCall>, RegExp]>([
    ['a URL without a method', { url: 'noslash' }, /no '\/' found/],
    ['a URL with a scheme', { url: 'etcd://h/b.B/In' }, /for etcd:\/\/ use dtm-driver-gozero/],
    ['a non-ASCII gid', { context: { ...CONTEXT, gid: 'ж' } }, /gRPC metadata "dtm-gid" cannot have the value "ж"/],
    ['a header that gRPC cannot carry', { headers: { 'a!': 'x' } }, /gRPC metadata "a!"/],
    [
      'the value of a header, which is not shown',
      { headers: { authorization: 'sécret' } },
      /^(?:no answer: )?gRPC metadata "authorization" cannot have this name or value; use letters(?!.*cret)/,
    ],
  ])('because of %s is unknown, and the check refuses it', async (_, change, message) => {
    const call = callTo('127.0.0.1:1/b.B/In', change);
    const transport = make();
    expect(await transport.call(call)).toMatchObject({ kind: 'unknown', message: expect.stringMatching(message) });
    expect(() => transport.check?.(call)).toThrow(message);
  });

  it('passes the check otherwise', () => {
    expect(() => make().check?.(callTo('127.0.0.1:1/b.B/In', { headers: { a: 'b' } }))).not.toThrow();
  });
});

describe('the driver of gRPC branches', () => {
  it('registers its resolver once, before the first call, and parses URLs', async () => {
    const participants = await Promise.all([GrpcParticipant.start(), GrpcParticipant.start()]);
    for (const participant of participants) participant.answer('b.B/In', REPLIES.success);
    const log: string[] = [];
    const driver: DtmDriver = {
      ...defaultDriver(),
      registerGrpcResolver: async () => void log.push('resolver'),
      parseServerMethod(uri) {
        log.push(uri);
        return { server: `ipv4:///${participants.map(({ address }) => address).join(',')}`, method: '/b.B/In' };
      },
    };
    const transport = make({}, driver);
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => transport.call(callTo('own://bank/b.B/In'))));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['success']));
    expect(log.filter((line) => line === 'resolver')).toHaveLength(1);
    expect(log.filter((line) => line === 'own://bank/b.B/In')).toHaveLength(10);
    // round robin, once both are connected
    await waitUntil(async () => {
      await transport.call(callTo('own://bank/b.B/In'));
      return participants.every(({ calls }) => calls.length > 0);
    });
  });

  it('registers its resolver again at the next call after a failure', async () => {
    const participant = await GrpcParticipant.start();
    participant.answer('b.B/In', REPLIES.success);
    const resolvers = [() => Promise.reject(new Error('registry down')), () => Promise.resolve()];
    const driver: DtmDriver = { ...defaultDriver(), registerGrpcResolver: () => resolvers.shift()!() };
    const transport = make({}, driver);
    const call = callTo(participant.url('b.B/In'));
    expect(await transport.call(call)).toMatchObject({ kind: 'unknown', message: 'no answer: registry down' });
    expect(await transport.call(call)).toMatchObject({ kind: 'success' });
  });
});

describe('closing the gRPC transport', () => {
  it('waits for running calls, then closes all connections', async () => {
    const server = await H2Server.start(() => undefined);
    const transport = make();
    const call = transport.call(callTo(`${server.address}/b.B/In`));
    await waitUntil(() => server.calls.length === 1);
    let isClosed = false;
    const closing = transport.close().then(() => (isClosed = true));
    expect(await transport.call(callTo(`${server.address}/b.B/In`))).toMatchObject({
      kind: 'unknown',
      message: 'no answer: the connection is closed',
    });
    expect(isClosed).toBe(false);
    answerOk(server.calls[0]!);
    expect(await call).toMatchObject({ kind: 'success' });
    await closing;
    await transport.close();
    await waitUntil(() => server.sessions.size === 0);
    expect(server.calls).toHaveLength(1);
  });

  it('is possible before the first call', async () => {
    await expect(grpcTransport().close()).resolves.toBeUndefined();
  });

  it('is not needed for a replaced connection, which closes after its last call', async () => {
    const server = await H2Server.start(() => undefined);
    const url = `${server.address}/b.B/In`;
    const transport = make();
    const silent = transport.call(callTo(url, { context: { ...CONTEXT, gid: 'silent' }, timeoutSeconds: 0.2 }));
    const held = transport.call(callTo(url, { context: { ...CONTEXT, gid: 'held' } }));
    await waitUntil(() => server.calls.length === 2);
    expect(await silent).toMatchObject({ kind: 'unknown' });
    server.answer(answerOk);
    await transport.call(callTo(url));
    expect([server.connections, server.sessions.size]).toEqual([2, 2]);
    const { stream } = server.calls.find(({ headers }) => headers['dtm-gid'] === 'held')!;
    answerGrpc(stream, GRPC_STATUS.ABORTED);
    expect(await held).toMatchObject({ kind: 'failure' });
    await waitUntil(() => server.sessions.size === 1);
  });
});
