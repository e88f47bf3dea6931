import { httpTransport, type OutgoingBranchCall, type HttpConnectionOptions, type Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { Participant, type Reply } from '../../support/participant.js';
import { waitUntil } from '../../support/wait-until.js';

const CONTEXT = { gid: 'g 1', transType: 'saga', branchId: '01', op: 'action' } as const;
const HINT = 'requestTimeoutSeconds of the branch, of the transaction or of the coordinator sets this time';
const QUERY = 'branch_id=01&gid=g%201&op=action&trans_type=saga';

function transport(options?: HttpConnectionOptions): Transport {
  const made = httpTransport(options);
  onTestFinished(() => made.close());
  return made;
}

const callOf = (url: string, change: Partial<OutgoingBranchCall> = {}): OutgoingBranchCall => ({
  url,
  context: CONTEXT,
  payload: '{"a":1}',
  timeoutSeconds: 20,
  ...change,
});

/** Calls the branch `/b` of a participant with scripted answers. */
async function callWith(
  change: Partial<OutgoingBranchCall>,
  reply: Reply = {},
): Promise<{ outcome: Outcome; participant: Participant }> {
  const participant = await Participant.start();
  participant.answer('/b', reply);
  const outcome = await transport().call(callOf(participant.url('/b'), change));
  return { outcome, participant };
}

describe('the request to a branch', () => {
  it('is a POST with the unchanged payload as JSON', async () => {
    const { outcome, participant } = await callWith({ payload: '{"a": "ä😀"}' });
    expect(outcome).toEqual({ kind: 'success', body: '{"dtm_result":"SUCCESS"}' });
    expect(participant.requests[0]).toMatchObject({ method: 'POST', search: QUERY, body: '{"a": "ä😀"}' });
    expect(participant.requests[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  it('is a POST with unchanged bytes', async () => {
    const { participant } = await callWith({ payload: Buffer.from('xyz') });
    expect(participant.requests[0]).toMatchObject({ method: 'POST', body: 'xyz' });
  });

  it.each(['', new Uint8Array()])('is a GET for an empty payload (%j)', async (payload) => {
    const { participant } = await callWith({ payload });
    expect(participant.requests[0]).toMatchObject({ method: 'GET', search: QUERY, body: '' });
    expect(participant.requests[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  it('is a POST without a body in the second phase of XA', async () => {
    const { participant } = await callWith({ payload: '', context: { ...CONTEXT, transType: 'xa', op: 'commit' } });
    expect(participant.requests[0]).toMatchObject({ method: 'POST', body: '' });
    expect(participant.requests[0]!.query).toMatchObject({ trans_type: 'xa', op: 'commit' });
  });

  it('appends the branch parameters to those of the URL and drops the fragment', async () => {
    const participant = await Participant.start();
    await transport().call(callOf(participant.url('/b?x=1&gid=own#part')));
    expect(participant.requests[0]!.search).toBe(`x=1&gid=own&${QUERY}`);
  });

  it('lets branch headers override its own, case-insensitively and without duplicates', async () => {
    const { participant } = await callWith({
      headers: { 'Content-Type': 'text/plain', ACCEPT: '*/*', 'X-Trace': 't1' },
    });
    const { headers, rawHeaders } = participant.requests[0]!;
    expect(headers).toMatchObject({ 'content-type': 'text/plain', accept: '*/*', 'x-trace': 't1' });
    expect(rawHeaders.filter((name) => name.toLowerCase() === 'content-type')).toHaveLength(1);
  });

  it('omits branch headers that frame the message, which would make the branch unreachable', async () => {
    const headers = {
      'Content-Length': '3',
      'Transfer-Encoding': 'chunked',
      Connection: 'x',
      Host: 'other',
      Expect: 'x',
      Upgrade: 'x',
      'Keep-Alive': '1',
      'x-a': 'b',
    };
    const { outcome, participant } = await callWith({ headers });
    expect(outcome.kind).toBe('success');
    expect(participant.requests[0]).toMatchObject({ body: '{"a":1}' });
    expect(participant.requests[0]!.headers).toMatchObject({
      'content-length': '7',
      host: new URL(participant.origin).host,
      'x-a': 'b',
    });
  });

  it('sends user and password of the URL in a header, like Go', async () => {
    const participant = await Participant.start();
    const url = participant.url('/b').replace('http://', 'http://me:p%40ss@');
    await transport().call(callOf(url));
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    expect(participant.requests[0]!.headers.authorization).toBe(basic('me:p@ss'));
    await transport().call(callOf(url, { headers: { Authorization: 'Bearer x' } }));
    expect(participant.requests[1]!.headers.authorization).toBe('Bearer x');
  });
});

describe('the answer of a branch', () => {
  it.each<[Reply, Outcome['kind'], string]>([
    [{ status: 200, body: '' }, 'success', ''],
    [{ status: 200, body: '{"dtm_result":"FAILURE"}' }, 'failure', '{"dtm_result":"FAILURE"}'],
    [{ status: 409, body: '{"message":"no money"}' }, 'failure', 'no money'],
    [{ status: 425, body: '' }, 'ongoing', ''],
    [{ status: 409, body: 'ONGOING' }, 'ongoing', ''],
    [{ status: 201, body: '' }, 'unknown', 'status 201 (only 200 is a success): '],
    [{ status: 500, body: '{"message":"boom"}' }, 'unknown', 'status 500: boom'],
    [{ status: 302, body: 'nowhere' }, 'unknown', 'status 302: nowhere'],
  ])('%j is %s', async (reply, kind, text) => {
    const { outcome } = await callWith({}, reply);
    expect(outcome.kind).toBe(kind);
    expect(outcome.kind === 'success' ? outcome.body : outcome.message).toBe(text);
  });

  it('that exceeds the size limit is unknown and does not affect later calls', async () => {
    const participant = await Participant.start();
    participant.answer('/b', { body: 'x'.repeat(2000) }, { body: 'x'.repeat(1000) });
    const limited = transport({ maxAnswerBytes: 1000 });
    expect(await limited.call(callOf(participant.url('/b')))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^no answer: .*size/i),
    });
    expect(await limited.call(callOf(participant.url('/b')))).toMatchObject({ kind: 'success' });
  });

  it('that misses the time-out is unknown and names the time-out', async () => {
    const participant = await Participant.start();
    participant.answer('/b', () => undefined);
    const outcome = await transport().call(callOf(participant.url('/b'), { timeoutSeconds: 0.05 }));
    expect(outcome).toMatchObject({ kind: 'unknown', message: `no answer: time-out after 0.05 s; ${HINT}` });
  });

  it('that stops midway ends with the time-out', async () => {
    const participant = await Participant.start();
    participant.answer('/b', (_, response) => void response.writeHead(200, { 'content-length': '10' }).write('half'));
    const outcome = await transport().call(callOf(participant.url('/b'), { timeoutSeconds: 0.05 }));
    expect(outcome).toMatchObject({ kind: 'unknown', message: `no answer: time-out after 0.05 s; ${HINT}` });
  });

  it('may have a time-out above the longest Node timer', async () => {
    const { outcome } = await callWith({ timeoutSeconds: 2_147_483_647 });
    expect(outcome.kind).toBe('success');
  });

  it('that the branch cuts off is unknown', async () => {
    const participant = await Participant.start();
    participant.answer('/b', (_, response) => void response.destroy());
    expect(await transport().call(callOf(participant.url('/b')))).toMatchObject({ kind: 'unknown' });
  });

  it('that is not HTTP is unknown', async () => {
    const server = createServer((socket) => void socket.end('SSH-2.0\r\n'));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/b`;
    expect(await transport().call(callOf(url))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^no answer: /),
    });
  });

  it('is unknown for a closed port, with the reason', async () => {
    const participant = await Participant.start();
    const url = participant.url('/b');
    await participant.close();
    expect(await transport().call(callOf(url))).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each(['not a url', 'ftp://b/a', 'http://', '/b'])('is unknown for an invalid URL: %s', async (url) => {
    expect(await transport().call(callOf(url))).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/^no answer: .+/),
    });
  });
});

/** A server that writes bytes for each request. */
async function rawServer(onRequest: (socket: Socket) => void): Promise<{ url: string; connections: Set<Socket> }> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => onRequest(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/b`, connections };
}

describe('interim answers', () => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone';

  it.each(['100 Continue', '102 Processing', '103 Early Hints'])('%s is ignored', async (status) => {
    let parts: readonly string[] = [];
    const { url, connections } = await rawServer((socket) => {
      for (const part of parts) setImmediate(() => socket.write(part));
    });
    const shared = transport({ connectionsPerOrigin: 1 });
    const interim = `HTTP/1.1 ${status}\r\nlink: </a>\r\n\r\n`;
    for (parts of [[interim + answer], [interim, interim, answer], [interim.slice(0, 9), interim.slice(9), answer]]) {
      expect(await shared.call(callOf(url))).toEqual({ kind: 'success', body: 'done' });
    }
    expect(connections.size).toBe(1);
  });

  it('without an end are refused', async () => {
    const { url } = await rawServer((socket) => void socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000)));
    expect(await transport().call(callOf(url))).toMatchObject({
      kind: 'unknown',
      message: 'no answer: the headers of the answer have more than 16384 bytes',
    });
  });
});

describe('headers without an end', () => {
  it('are refused before they are parsed, and the connections are closed', async () => {
    const { url, connections } = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n`);
      const write = (): void => {
        while (socket.writable && socket.write('a: b\r\n'.repeat(10_000)));
      };
      socket.on('drain', write);
      write();
    });
    const shared = transport();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => shared.call(callOf(url))));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ message: 'no answer: the headers of the answer have more than 16384 bytes' });
    }
    await waitUntil(() => [...connections].every((socket) => socket.destroyed));
  });
});

describe('redirects', () => {
  it.each([301, 302, 303])('%i is unknown, and is not followed', async (status) => {
    const participant = await Participant.start();
    participant.answer('/b', { status, headers: { location: '/moved?y=2' }, body: 'FAILURE' });
    expect(await transport().call(callOf(participant.url('/b')))).toEqual({
      kind: 'unknown',
      message: `status ${status}: redirects with ${status} are not followed; use the URL ${participant.url('/moved?y=2')} instead`,
      definite: true,
    });
    expect(participant.requests).toHaveLength(1);
  });

  it.each([307, 308])('%i is followed with method, headers and payload', async (status) => {
    const participant = await Participant.start();
    participant.answer('/b', { status, headers: { location: '/moved?y=2' } });
    const headers = { authorization: 'Bearer x', 'x-trace': 't' };
    expect((await transport().call(callOf(participant.url('/b'), { headers }))).kind).toBe('success');
    expect(participant.lines).toEqual(['POST /b', 'POST /moved']);
    expect(participant.requests[1]).toMatchObject({ search: 'y=2', body: '{"a":1}', headers });
  });

  it('307 is followed to another server, unless the call has a secret', async () => {
    const [participant, other] = [await Participant.start(), await Participant.start()];
    const location = other.url('/there');
    participant.answer('/b', { status: 307, headers: { location } });
    const headers = { 'x-trace': 't' };
    expect((await transport().call(callOf(participant.url('/b'), { headers }))).kind).toBe('success');
    expect(other.requests[0]).toMatchObject({ method: 'POST', body: '{"a":1}', headers });
    for (const name of ['Authorization', 'cookie', 'X-Api-Key', 'x-access-token']) {
      const outcome = await transport().call(callOf(participant.url('/b'), { headers: { [name]: 'secret' } }));
      expect(outcome).toEqual({
        kind: 'unknown',
        message: `status 307: redirects to another server are not followed, because the request has the header ${name.toLowerCase()}; use the URL ${location} instead`,
        definite: true,
      });
    }
    const withPassword = participant.url('/b').replace('http://', 'http://me:pass@');
    expect((await transport().call(callOf(withPassword))).kind).toBe('unknown');
    expect(other.requests).toHaveLength(1);
  });

  it('307 is followed ten times at most, within the time-out of the call', async () => {
    const participant = await Participant.start();
    participant.answer('/b', { status: 307, headers: { location: '/b' } });
    expect(await transport().call(callOf(participant.url('/b')))).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('more than 10 redirects are not followed'),
      definite: true,
    });
    expect(participant.requests).toHaveLength(11);
    participant.answer('/slow', { status: 307, headers: { location: '/never' } }).answer('/never', () => undefined);
    const late = await transport().call(callOf(participant.url('/slow'), { timeoutSeconds: 0.1 }));
    expect(late).toMatchObject({ message: `no answer: time-out after 0.1 s; ${HINT}` });
  });

  it('of a call without a payload, and of a call over JSON-RPC, are not followed either', async () => {
    const participant = await Participant.start();
    participant.answer('/b', { status: 302, headers: { location: '/moved' } });
    const calls = [
      callOf(participant.url('/b'), { payload: '' }),
      callOf(participant.url('/b?method=pay'), { protocol: 'json-rpc' }),
    ];
    for (const call of calls) expect((await transport().call(call)).kind).toBe('unknown');
    expect(participant.requests).toHaveLength(2);
  });

  it.each(['ftp://b/a', 'http://[', 'file:///etc/passwd', 'http://b/ONGOING'])(
    'to %s are unknown',
    async (location) => {
      const { outcome } = await callWith({}, { status: 302, headers: { location } });
      expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringContaining(location) });
    },
  );

  it.each(['ftp://b/a', 'http://[', 'file:///etc/passwd'])('307 to %s is unknown', async (location) => {
    const { outcome } = await callWith({}, { status: 307, headers: { location } });
    expect(outcome).toMatchObject({
      message: expect.stringContaining('the redirect leads to no http or https URL'),
      definite: true,
    });
  });
});

describe('a server that gives no answer', () => {
  it('was reached when a call times out, is cut off, or a proxy has no answer', async () => {
    const participant = await Participant.start();
    participant
      .answer('/hangs', () => undefined)
      .answer('/cut', (_, response) => void response.destroy())
      .answer('/proxy', { status: 503 });
    for (const path of ['/hangs', '/cut', '/proxy']) {
      const outcome = await transport().call(callOf(participant.url(path), { timeoutSeconds: 0.1 }));
      expect(outcome).toMatchObject({ kind: 'unknown', unreachable: true, connected: true });
    }
  });

  it('was not reached when it refuses connections, or has no address', async () => {
    for (const url of ['http://127.0.0.1:1/b', 'http://nowhere.invalid/b']) {
      expect(await transport().call(callOf(url))).toMatchObject({ unreachable: true, connected: false });
    }
  });
});

describe('an outcome that waiting does not change', () => {
  it.each([
    [400, true],
    [401, true],
    [404, true],
    [413, true],
    [415, true],
    [422, true],
    [201, true],
    [501, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])('is status %i: %s', async (status, definite) => {
    const { outcome } = await callWith({}, { status });
    expect(outcome).toMatchObject({ kind: 'unknown', definite });
  });

  it('is an unknown host, but not a refused connection', async () => {
    const unknownHost = await transport().call(callOf('http://nowhere.invalid/b'));
    expect(unknownHost).toMatchObject({ kind: 'unknown', unreachable: true });
    // a resolver that cannot be reached answers EAI_AGAIN, which may change
    const isNamed = unknownHost.kind === 'unknown' && unknownHost.message.includes('ENOTFOUND');
    expect(unknownHost).toMatchObject({ definite: isNamed });
    expect(await transport().call(callOf('http://127.0.0.1:1/b'))).toMatchObject({
      unreachable: true,
      definite: false,
    });
  });
});

describe('connections', () => {
  it('are reused', async () => {
    const participant = await Participant.start();
    const shared = transport();
    for (let count = 0; count < 10; count++) await shared.call(callOf(participant.url('/b')));
    // the pool may open a second one while the first still reads the end of an answer
    expect(participant.connections).toBeLessThanOrEqual(2);
  });

  it('are limited; one path gets half of them, and further calls wait', async () => {
    const participant = await Participant.start();
    let [running, most] = [0, 0];
    participant.answer('/b', async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => void setImmediate(resolve));
      running--;
      return {};
    });
    const shared = transport({ connectionsPerOrigin: 4 });
    const calls = Array.from({ length: 50 }, () => shared.call(callOf(participant.url('/b'))));
    expect((await Promise.all(calls)).map((outcome) => outcome.kind)).toEqual(
      Array.from({ length: 50 }, () => 'success'),
    );
    expect(most).toBe(2);
    expect(participant.connections).toBeLessThanOrEqual(4);
  });

  it('are left for other paths, and for recovery, while all calls to a path hang', async () => {
    const participant = await Participant.start();
    const gate = deferred();
    participant.answer('/b', async () => {
      await gate.promise;
      return {};
    });
    const shared = transport();
    const hanging = Array.from({ length: 600 }, () => shared.call(callOf(participant.url('/b'))));
    await participant.received(256);
    expect((await shared.call(callOf(participant.url('/c')))).kind).toBe('success');
    const retried = shared.call(callOf(participant.url('/b?recovery=1'), { isRecovery: true }));
    await participant.received(258);
    expect(participant.requests.at(-1)!.query).toMatchObject({ recovery: '1' });
    expect(participant.to('/b')).toHaveLength(257);
    gate.resolve();
    for (const outcome of await Promise.all([...hanging, retried])) expect(outcome.kind).toBe('success');
  });

  it('are left for other paths while calls to very many paths with ids hang', async () => {
    const participant = await Participant.start();
    const gate = deferred();
    const ids = Array.from({ length: 600 }, (_, id) => `/orders/${id}/pay`);
    for (const path of ids) participant.answer(path, () => gate.promise.then(() => ({})));
    const shared = transport();
    const hanging = ids.map((path) => shared.call(callOf(participant.url(path), { timeoutSeconds: 20 })));
    await participant.received(256);
    expect((await shared.call(callOf(participant.url('/c')))).kind).toBe('success');
    expect(participant.requests).toHaveLength(257);
    gate.resolve();
    for (const outcome of await Promise.all(hanging)) expect(outcome.kind).toBe('success');
  });

  it('that do not become free within the time-out are no fault of the whole server', async () => {
    const participant = await Participant.start();
    const gate = deferred();
    participant.answer('/b', async () => {
      await gate.promise;
      return {};
    });
    const shared = transport({ connectionsPerOrigin: 2 });
    const running = shared.call(callOf(participant.url('/b')));
    await participant.received(1);
    expect(await shared.call(callOf(participant.url('/b'), { timeoutSeconds: 0.05 }))).toMatchObject({
      kind: 'unknown',
      message: `no answer: no free connection within 0.05 s; ${HINT}`,
      unreachable: true,
      connected: true,
    });
    gate.resolve();
    expect((await running).kind).toBe('success');
    expect((await shared.call(callOf(participant.url('/b')))).kind).toBe('success');
    expect(participant.requests).toHaveLength(2);
  });

  it('are closed after the running calls; later calls are unknown', async () => {
    const participant = await Participant.start();
    const gate = deferred();
    participant.answer('/b', async () => {
      await gate.promise;
      return {};
    });
    const closing = transport();
    const call = closing.call(callOf(participant.url('/b')));
    await participant.received(1);
    const closed = closing.close();
    expect((await closing.call(callOf(participant.url('/b')))).kind).toBe('unknown');
    gate.resolve();
    expect((await call).kind).toBe('success');
    await closed;
    await closing.close();
    expect(participant.requests).toHaveLength(1);
  });
});
