import { dtmHttpClient, type DtmHttpClientOptions } from 'nestjs-dtm/client';
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

const PATH = '/api/dtmsvr';
const BRANCH = { gid: 'g', transType: 'tcc', branchId: '01', confirm: 'http://b/c', cancel: '', payload: '1' } as const;
const REQUEST = { gid: 'g', transType: 'saga' } as const;

/** A scripted dtm and a client of it. */
async function dtm(options: DtmHttpClientOptions = {}): Promise<{ participant: Participant; server: DtmConnection }> {
  const participant = await Participant.start();
  const server = dtmHttpClient(participant.origin, options);
  onTestFinished(() => server.close());
  await server.open();
  server.recover();
  return { participant, server };
}

const COMMANDS: [string, (server: DtmConnection) => Promise<void>][] = [
  ['prepare', (server) => server.prepare(REQUEST)],
  ['submit', (server) => server.submit(REQUEST)],
  ['abort', (server) => server.abort({ gid: 'g', transType: 'tcc', rollbackReason: 'why' })],
  ['registerBranch', (server) => server.registerBranch(BRANCH)],
  ['forceStop', (server) => server.forceStop('g')],
];

const READS: [string, (server: DtmConnection) => Promise<unknown>][] = [
  ['newGid', (server) => server.newGid()],
  ['query', (server) => server.query('g')],
  ['all', (server) => server.all()],
  ['version', (server) => server.version()],
];

/** The error that an operation ends with. */
async function errorOf(operation: Promise<unknown>): Promise<unknown> {
  return operation.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe.each(COMMANDS)('%s', (operation, act) => {
  it('is a POST of JSON', async () => {
    const { participant, server } = await dtm({ headers: { authorization: 'Bearer x' } });
    await act(server);
    expect(participant.lines).toEqual([`POST ${PATH}/${operation}`]);
    expect(participant.requests[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer x',
    });
    expect(JSON.parse(participant.requests[0]!.body)).toMatchObject({ gid: 'g' });
  });

  it.each<[Reply, new (message: string) => Error, string]>([
    [{ status: 409, body: '{"dtm_result":"FAILURE","message":"wrong state FAILURE"}' }, DtmFailureError, 'wrong state'],
    [{ status: 409, body: '' }, DtmFailureError, `${operation} failed`],
    [{ status: 200, body: '{"dtm_result":"FAILURE"}' }, DtmFailureError, `${operation} failed`],
    [
      { status: 425, body: '{"dtm_result":"ONGOING","message":"ONGOING"}' },
      DtmOngoingError,
      `${operation} is not decided yet`,
    ],
    [
      { status: 500, body: '{"message":"no TransGlobal"}' },
      DtmServerError,
      `dtm refused ${operation}: status 500: no TransGlobal`,
    ],
    [{ status: 400, body: 'bad' }, DtmServerError, `dtm refused ${operation}: status 400: bad`],
    [
      { status: 404, body: '404 page not found' },
      DtmServerError,
      expect.stringMatching(
        /^dtm refused \w+: status 404: 404 page not found; the server at \S+\/api\/dtmsvr has no such operation, so check/,
      ),
    ],
    [{ status: 204, body: '' }, DtmServerError, `dtm refused ${operation}: status 204 (only 200 is a success): `],
  ])('answered with %j throws what it means', async (reply, type, message) => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/${operation}`, reply);
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message, gid: 'g' });
  });

  it.each([502, 503, 504])('does not know what became of it when a proxy answers %i', async (status) => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/${operation}`, { status, body: '' });
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error).toMatchObject({ message: expect.stringContaining(`a proxy answered ${status}`), gid: 'g' });
  });

  it.each([301, 302, 303])('does not follow a redirect with %i', async (status) => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/${operation}`, { status, headers: { location: '/there' } });
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmServerError);
    expect(error).toMatchObject({
      message: expect.stringContaining(`use the URL ${participant.url('/there')} instead`),
    });
    expect(participant.requests).toHaveLength(1);
  });

  it('without an answer throws a connection error that names address, call and gid', async () => {
    const { participant, server } = await dtm();
    await participant.close();
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect(error).toMatchObject({ message: expect.stringContaining(`gave no answer to ${operation}: `), gid: 'g' });
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it('without an answer in time throws a connection error', async () => {
    const { participant, server } = await dtm({ timeoutSeconds: 0.05 });
    participant.answer(`${PATH}/${operation}`, () => undefined);
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmConnectionError);
    expect((error as Error).message).toMatch(
      /: time-out after 0\.05 s; it may have executed the call, so query the transaction; timeoutSeconds of the client/,
    );
  });
});

describe.each(READS)('%s', (operation, act) => {
  it.each<[Reply, RegExp]>([
    [{ status: 500, body: '{"message":"boom"}' }, /^dtm refused \w+: status 500: boom$/],
    [{ status: 409, body: '{"message":"x FAILURE"}' }, /^dtm refused \w+: x$/],
    [{ status: 200, body: '<html>' }, /sent an unexpected answer to \w+: .*JSON/],
    [{ status: 200, body: '' }, /sent an unexpected answer/],
    [{ status: 200, body: 'null' }, /sent an unexpected answer/],
    [{ status: 200, body: '[]' }, /sent an unexpected answer/],
    [{ status: 200, body: '{"gid":1,"version":{},"transaction":[],"transactions":{}}' }, /sent an unexpected answer/],
  ])('answered with %j throws a server error', async (reply, message) => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/${operation}`, reply);
    const error = await errorOf(act(server));
    expect(error).toBeInstanceOf(DtmServerError);
    expect((error as Error).message).toMatch(message);
  });

  it('without an answer throws a connection error', async () => {
    const { participant, server } = await dtm();
    await participant.close();
    expect(await errorOf(act(server))).toBeInstanceOf(DtmConnectionError);
  });
});

describe('what is read', () => {
  it('newGid needs a gid', async () => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/newGid`, { body: '{"dtm_result":"SUCCESS","gid":"g1"}' }, { body: SUCCESS_BODY });
    expect(await server.newGid()).toBe('g1');
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmServerError);
  });

  it('version', async () => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/version`, { body: '{"version":"v1.19.0"}' });
    expect(await server.version()).toBe('v1.19.0');
  });

  it('query returns the transaction with its branches, also when they contain FAILURE and ONGOING', async () => {
    const { participant, server } = await dtm();
    const body = JSON.stringify({
      branches: [
        {
          id: 2,
          gid: 'a b&c',
          url: 'http://b/a',
          bin_data: 'eyJhIjoxfQ==',
          branch_id: '01',
          op: 'action',
          status: 'failed',
        },
      ],
      transaction: {
        id: 1,
        create_time: '2026-11-22T06:49:32Z',
        gid: 'a b&c',
        trans_type: 'saga',
        status: 'failed',
        rollback_reason: 'x FAILURE ONGOING',
      },
    });
    participant.answer(`${PATH}/query`, { body });
    const details = await server.query('a b&c');
    expect(participant.requests[0]).toMatchObject({ search: 'gid=a%20b%26c' });
    expect(details?.transaction).toMatchObject({ status: 'failed', rollbackReason: 'x FAILURE ONGOING' });
    expect(details?.branches).toMatchObject([{ branchId: '01', op: 'action', status: 'failed', url: 'http://b/a' }]);
  });

  it('query of an unknown gid returns undefined', async () => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/query`, { body: '{"branches":[],"transaction":null}' });
    expect(await server.query('g')).toBeUndefined();
  });

  it('all sends the filters that are set, and returns a page', async () => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/all`, {
      body: '{"next_position":"7","transactions":[{"gid":"g","trans_type":"tcc","status":"succeed"}]}',
    });
    const filter = {
      gid: 'a&b',
      status: 'succeed',
      transType: 'tcc',
      createTimeStart: 1,
      createTimeEnd: 2,
      position: '9',
      limit: 5,
    } as const;
    const page = await server.all({ ...filter });
    expect(page.nextPosition).toBe('7');
    expect(page.transactions).toMatchObject([{ gid: 'g', transType: 'tcc', status: 'succeed' }]);
    expect(participant.requests[0]!.query).toEqual({ ...filter, createTimeStart: '1', createTimeEnd: '2', limit: '5' });
  });

  it('all without transactions returns an empty page', async () => {
    const { participant, server } = await dtm();
    participant.answer(`${PATH}/all`, { body: '{"next_position":"","transactions":null}' });
    expect(await server.all({ gid: undefined })).toEqual({ transactions: [], nextPosition: '' });
    expect(participant.requests[0]!.search).toBe('');
  });

  it.each([0.5, Number.NaN])('all refuses a limit of %s before anything is sent', async (limit) => {
    const { participant, server } = await dtm();
    expect(await errorOf(server.all({ limit }))).toBeInstanceOf(DtmArgumentError);
    expect(participant.requests).toHaveLength(0);
  });
});

describe('arguments that cannot be sent', () => {
  it('reject the promise instead of throwing', async () => {
    const { participant, server } = await dtm();
    const bytes = new Uint8Array([0xff]);
    expect(await errorOf(server.submit({ ...REQUEST, payloads: [bytes] }))).toBeInstanceOf(DtmArgumentError);
    expect(await errorOf(server.registerBranch({ ...BRANCH, payload: bytes }))).toBeInstanceOf(DtmArgumentError);
    expect(await errorOf(server.query('\ud800'))).toBeInstanceOf(URIError);
    expect(participant.requests).toHaveLength(0);
  });
});

describe('the address', () => {
  it.each([
    ['http://dtm:36789', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/api/dtmsvr', 'http://dtm:36789/api/dtmsvr'],
    ['http://dtm:36789/api/dtmsvr//', 'http://dtm:36789/api/dtmsvr'],
    ['https://proxy.example/dtm/?x=1#y', 'https://proxy.example/dtm'],
    ['http://[::1]:36789', 'http://[::1]:36789/api/dtmsvr'],
  ])('%s is completed to %s', (url, address) => {
    expect(dtmHttpClient(url).address).toBe(address);
  });

  it.each([
    ['dtm', /"dtm" is not a URL; expected something like/],
    ['', /is not a URL/],
    ['localhost:36789', /has the scheme localhost:; use http:/],
    ['etcd://etcd:2379/dtmservice', /has the scheme etcd:/],
    ['http://me:secret@dtm', /must not contain a user and password.*headers/],
  ])('%s is refused', (url, message) => {
    expect(() => dtmHttpClient(url)).toThrow(DtmConfigError);
    expect(() => dtmHttpClient(url)).toThrow(message);
  });

  it('never contains the password', () => {
    expect(() => dtmHttpClient('http://me:secret@dtm')).not.toThrow(/secret/);
  });
});

describe('close()', () => {
  it('can be called twice, and refuses calls after it', async () => {
    const { participant, server } = await dtm();
    await server.close();
    await server.close();
    expect(await errorOf(server.newGid())).toBeInstanceOf(DtmConnectionError);
    expect(participant.requests).toHaveLength(0);
  });
});
