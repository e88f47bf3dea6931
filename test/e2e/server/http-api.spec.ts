import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { request } from 'undici';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { get, send } from '../../support/http-client.js';
import { SUCCESS_ANSWER, failure, startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { FAILURE, ONGOING } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const STEP = { action: 'http://b/a', compensate: 'http://b/c' };
const SAGA = { gid: 'g', trans_type: 'saga', steps: [STEP], payloads: ['{"a":1}'] };
const JSON_TYPE = 'application/json; charset=utf-8';

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

describe('the endpoints', () => {
  it('newGid returns a new gid in the alphabet of dtm each time', async () => {
    const { status, type, body } = await dtm.get('newGid');
    expect([status, type]).toEqual([200, JSON_TYPE]);
    const answer = JSON.parse(body) as { dtm_result: string; gid: string };
    expect(answer).toEqual({ dtm_result: 'SUCCESS', gid: expect.stringMatching(/^[23456789A-HJ-NP-Za-km-z]{18,22}$/) });
    const gids = await Promise.all(Array.from({ length: 50 }, async () => (await dtm.get('newGid')).body));
    expect(new Set(gids).size).toBe(50);
  });

  it('version returns the version of the package', async () => {
    const { version } = createRequire(import.meta.url)('nestjs-dtm/package.json') as { version: string };
    expect(await dtm.get('version')).toMatchObject({ status: 200, type: JSON_TYPE, body: `{"version":"v${version}"}` });
  });

  it('a success without data has the body of dtm', async () => {
    expect(await dtm.post('prepare', SAGA)).toMatchObject({
      status: 200,
      type: JSON_TYPE,
      body: '{"dtm_result":"SUCCESS"}',
    });
  });

  it('query returns transaction and branches with the fields of dtm', async () => {
    await dtm.post('submit', { ...SAGA, wait_result: true, retry_interval: 5 });
    const { status, type, body } = await dtm.get('query?gid=g');
    expect([status, type]).toEqual([200, JSON_TYPE]);
    const time = '2030-01-01T00:00:00.000Z';
    const times = { create_time: time, update_time: time };
    expect(JSON.parse(body)).toEqual({
      branches: [
        {
          id: 0,
          ...times,
          gid: 'g',
          url: 'http://b/c',
          bin_data: 'eyJhIjoxfQ==',
          branch_id: '01',
          op: 'compensate',
          status: 'prepared',
        },
        {
          id: 0,
          ...times,
          gid: 'g',
          url: 'http://b/a',
          bin_data: 'eyJhIjoxfQ==',
          branch_id: '01',
          op: 'action',
          status: 'succeed',
          finish_time: time,
          attempts: 1,
        },
      ],
      transaction: {
        id: 0,
        ...times,
        gid: 'g',
        trans_type: 'saga',
        status: 'succeed',
        protocol: 'http',
        finish_time: time,
        options: '{"wait_result":true,"retry_interval":5,"concurrent":false}',
        next_cron_interval: 5,
        next_cron_time: expect.stringMatching(/^2030-/),
        wait_result: true,
        retry_interval: 5,
        concurrent: false,
      },
    });
  });

  it('query returns null for an unknown gid, and an error without a gid', async () => {
    expect(await dtm.get('query?gid=nope')).toMatchObject({ status: 200, body: '{"branches":[],"transaction":null}' });
    for (const path of ['query', 'query?gid='])
      expect(await dtm.get(path)).toMatchObject({ status: 500, body: '{"message":"no gid specified"}' });
  });

  it('query never contains the decisive words, except for JSON parsers', async () => {
    dtm.transport.answer('01 action', { kind: 'failure', message: 'FAILURE and ONGOING' });
    await dtm.post('submit', { ...SAGA, gid: 'FAILURE', wait_result: true });
    const { status, body } = await dtm.get('query?gid=FAILURE');
    expect(status).toBe(200);
    expect(body).not.toMatch(/FAILURE|ONGOING/);
    expect(JSON.parse(body)).toMatchObject({
      transaction: { gid: 'FAILURE', rollback_reason: expect.stringContaining('FAILURE and ONGOING') },
    });
  });

  it.each([
    ['gid=g2', ['g2'], ''],
    ['gid=nope', [], ''],
    ['', ['g3', 'g2', 'g1'], ''],
    ['limit=2', ['g3', 'g2'], '2'],
    ['limit=2&position=2', ['g1'], ''],
    ['status=succeed', ['g3', 'g1'], ''],
    ['transType=tcc', ['g2'], ''],
    ['transType=msg', [], ''],
    ['status=&transType=&gid=&position=&limit=&attention=', ['g3', 'g2', 'g1'], ''],
    ['attention=true', [], ''],
    ['attention=false', ['g3', 'g2', 'g1'], ''],
    ['limit=3000', ['g3', 'g2', 'g1'], ''],
    ['limit=10001', ['g3', 'g2', 'g1'], ''],
    ['createTimeStart=1893456000000&createTimeEnd=1893456000000', ['g3', 'g2', 'g1'], ''],
    ['createTimeStart=1893456000001', [], ''],
    ['createTimeEnd=1893455999999', [], ''],
  ])('all?%s lists %j', async (query, gids, next) => {
    await dtm.post('submit', { ...SAGA, gid: 'g1', wait_result: true });
    await dtm.post('prepare', { gid: 'g2', trans_type: 'tcc' });
    await dtm.post('submit', { ...SAGA, gid: 'g3', wait_result: true });
    const { status, body } = await dtm.get(`all?${query}`);
    const page = JSON.parse(body) as { next_position: string; transactions: { gid: string }[] };
    expect(status).toBe(200);
    expect(page.transactions.map(({ gid }) => gid)).toEqual(gids);
    expect(page.next_position).toBe(next);
  });

  it('has at most 3,000 transactions, whatever the limit is', async () => {
    const gids = Array.from({ length: 3001 }, (_, index) => `g${index}`);
    await Promise.all(gids.map((gid) => dtm.server.prepare({ gid, transType: 'tcc' })));
    const page = JSON.parse((await dtm.get('all?limit=10000')).body) as {
      transactions: object[];
      next_position: string;
    };
    expect(page.transactions).toHaveLength(3000);
    const rest = JSON.parse((await dtm.get(`all?limit=10000&position=${page.next_position}`)).body) as object;
    expect(rest).toMatchObject({ transactions: [{ gid: 'g0' }], next_position: '' });
  });

  it.each([
    ['limit=abc', 'convert to int error: abc'],
    ['limit=-1', 'convert to int error: -1'],
    ['limit=1.5', 'convert to int error: 1.5'],
    ['createTimeStart=x', 'convert to int error: x'],
    ['createTimeEnd=99999999999999999', 'convert to int error: 99999999999999999'],
    ['status=done', 'status must be one of prepared, submitted, aborting, succeed, failed, not "done"'],
    ['transType=SAGA', 'transType must be one of msg, saga, tcc, xa, workflow, not "SAGA"'],
    ['position=x', 'position "x" is invalid; use the next_position of the page before'],
    ['attention=1', 'attention must be true or false, not "1"'],
  ])('all?%s is an error', async (query, message) => {
    expect(await dtm.get(`all?${query}`)).toMatchObject({
      status: 500,
      type: JSON_TYPE,
      body: JSON.stringify({ message }),
    });
  });
});

describe('paths and methods', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/api/dtmsvr'],
    ['GET', '/api/dtmsvr/nope'],
    ['POST', '/api/dtmsvr/nope'],
    ['GET', '/api/dtmsvr/submit'],
    ['POST', '/api/dtmsvr/newGid'],
    ['PUT', '/api/dtmsvr/submit'],
    ['DELETE', '/api/dtmsvr/query'],
    ['GET', '/API/DTMSVR/newGid'],
    ['GET', '//api/dtmsvr/newGid'],
    ['GET', '/api/dtmsvr/newGid/x'],
    ['GET', '/nope/'],
  ])('%s %s is not found', async (method, path) => {
    const body = method === 'GET' ? undefined : '{}';
    expect(await send(method, new URL(dtm.base).origin + path, body)).toMatchObject({
      status: 404,
      type: 'text/plain',
      body: '404 page not found',
    });
  });

  it('a trailing slash is redirected: 301 for GET, 307 for POST, with the query', async () => {
    const first = await dtm.get('query/?gid=a%20b');
    expect([first.status, first.headers['location']]).toEqual([301, '/api/dtmsvr/query?gid=a%20b']);
    const second = await dtm.post('submit//', SAGA);
    expect([second.status, second.headers['location']]).toEqual([307, '/api/dtmsvr/submit']);
  });

  it('the query of a POST is ignored', async () => {
    expect(await dtm.answer('submit?x=1', { ...SAGA, wait_result: true })).toBe(SUCCESS_ANSWER);
  });
});

describe('a request body', () => {
  it.each([
    ['', /^the request body is not JSON: /],
    ['{', /^the request body is not JSON: /],
    ['{} x', /^the request body is not JSON: /],
    ['null', /^the request body must be a JSON object, not null/],
    ['[]', /^the request body must be a JSON object, not an array/],
    ['"x"', /^the request body must be a JSON object, not a string/],
    ['{}', /^gid must be a non-empty string/],
    ['{"gid":5}', /^gid must be a string, not 5/],
    ['{"gid":"a;b","trans_type":"saga"}', /^gid "a;b" is not allowed: /],
    ['{"gid":"a\\nb","trans_type":"saga"}', /^gid "a\\nb" is not allowed: /],
    ['{"gid":" a","trans_type":"saga"}', /^gid " a" is not allowed: /],
    [JSON.stringify({ ...SAGA, branch_headers: [] }), /^branch_headers must be an object of strings, not an array/],
    [
      JSON.stringify({ ...SAGA, branch_headers: { 'a b': 'c' } }),
      /^branch header "a b" has a name or value that HTTP does not allow/,
    ],
    [JSON.stringify({ ...SAGA, steps: 'x' }), /^steps must be an array of objects/],
    [JSON.stringify({ ...SAGA, timeout_to_fail: '5' }), /^timeout_to_fail must be a whole number/],
    [JSON.stringify({ ...SAGA, wait_result: 'yes' }), /^wait_result must be true or false/],
    [JSON.stringify({ ...SAGA, payloads: [] }), /^a saga with 1 steps has 0 payloads; send one payload for each step/],
    [JSON.stringify({ ...SAGA, custom_data: '{' }), /^custom_data of a saga is not JSON: /],
    [
      JSON.stringify({ ...SAGA, custom_data: '{"concurrent":true,"orders":{"0":[7]}}' }),
      /^branch order 0: step 7 does not exist/,
    ],
    [JSON.stringify({ ...SAGA, steps: [{ action: 'b/a' }] }), /^action "b\/a" is not a URL/],
    [
      JSON.stringify({ ...SAGA, steps: [{ action: 'http://b', compensate: 'x:y' }] }),
      /^compensate "x:y" is not an http or https URL/,
    ],
    [
      JSON.stringify({ ...SAGA, protocol: 'grpc', steps: [{ action: 'bank:1' }] }),
      /^action "bank:1" is not a URL; expected http:\/\/host:port\/path, or for gRPC host:port\/pkg.Service\/Method/,
    ],
    [
      JSON.stringify({ ...SAGA, steps: [{ action: 'bank:1/bank.Bank/TransOut' }] }),
      /^action "bank:1\/.*" has no scheme; put http:/,
    ],
    [JSON.stringify({ ...SAGA, protocol: 'smtp' }), /^protocol must be http, grpc or json-rpc/],
    [
      JSON.stringify({ ...SAGA, trans_type: undefined }),
      /^trans_type "" is unknown; it must be one of msg, saga, tcc, xa, workflow/,
    ],
    [
      JSON.stringify({ ...SAGA, trans_type: 'SAGA' }),
      /^trans_type "SAGA" is unknown; it must be one of msg, saga, tcc, xa, workflow/,
    ],
    [
      JSON.stringify({ ...SAGA, trans_type: 'msg', payloads: [] }),
      /^a msg with 1 steps has 0 payloads; send one payload for each step/,
    ],
    [JSON.stringify({ ...SAGA, trans_type: 'msg', custom_data: '{' }), /^custom_data of a message is not JSON: /],
    [JSON.stringify({ ...SAGA, trans_type: 'msg', custom_data: '{"delay":"1"}' }), /^delay must be a whole number/],
    [
      JSON.stringify({ ...SAGA, trans_type: 'msg', query_prepared: 'x:y' }),
      /^query_prepared "x:y" is not an http or https URL/,
    ],
    [
      JSON.stringify({ ...SAGA, trans_type: 'msg', steps: [{ action: 'topic://none' }] }),
      /^topic not found: none; subscribe to it first/,
    ],
  ])('%s is an error that says what is wrong, and stores nothing', async (body, message) => {
    for (const operation of ['prepare', 'submit']) {
      const answer = await dtm.post(operation, body);
      expect([answer.status, answer.type]).toEqual([500, JSON_TYPE]);
      const { message: text, ...rest } = JSON.parse(answer.body) as { message: string };
      expect(text).toMatch(message);
      expect(rest).toEqual({});
    }
    expect((await dtm.server.all()).transactions).toEqual([]);
  });

  it.each(['abort', 'forceStop', 'resetNextCronTime'])('of %s is parsed in the same way', async (operation) => {
    expect(await dtm.answer(operation, '{}')).toBe(failure('gid must be a non-empty string'));
    expect(await dtm.post(operation, '[')).toMatchObject({ status: 500, body: expect.stringContaining('is not JSON') });
  });

  it('can have nulls, unknown keys, keys in another case, and any content type', async () => {
    const body = {
      GID: 'g',
      Trans_Type: 'saga',
      Steps: [STEP],
      PAYLOADS: ['1'],
      custom_data: null,
      protocol: null,
      branch_headers: null,
      passthrough_headers: [],
      subType: 'x',
    };
    expect(await dtm.answer('submit', JSON.stringify(body, undefined, 2))).toBe(SUCCESS_ANSWER);
    await settled();
    expect((await dtm.find('g')).transaction.status).toBe('succeed');
  });

  it('can be a gRPC transaction, whose HTTP URLs are called over HTTP', async () => {
    const participant = await Participant.start();
    const server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen: { port: 0 } });
    onTestFinished(() => server.close());
    await server.open();
    const steps = [{ action: participant.url('/out'), compensate: participant.url('/undo') }];
    const body = { ...SAGA, steps, protocol: 'grpc', wait_result: true };
    expect(await send('POST', `${server.address!}/submit`, JSON.stringify(body))).toMatchObject({ status: 200 });
    expect(participant.lines).toEqual(['POST /out']);
    expect(participant.requests[0]).toMatchObject({
      body: '{"a":1}',
      query: { gid: 'g', trans_type: 'saga', branch_id: '01', op: 'action' },
    });
  });

  it('can have the payload in the steps, as in old SDKs', async () => {
    await dtm.post('submit', { ...SAGA, payloads: null, steps: [{ ...STEP, data: 'old' }], wait_result: true });
    expect(dtm.transport.calls[0]).toMatchObject({ payload: 'old' });
  });

  it('cannot set internal fields', async () => {
    await dtm.post('prepare', {
      ...SAGA,
      id: 7,
      owner: 'me',
      status: 'succeed',
      next_cron_time: '2000-01-01T00:00:00Z',
      result: 'x',
      ext_data: 'x',
    });
    const { transaction } = await dtm.find('g');
    expect(transaction).toMatchObject({ status: 'prepared' });
    expect([transaction.owner, transaction.result]).toEqual([undefined, undefined]);
  });

  it('must be UTF-8', async () => {
    const answer = await send('POST', `${dtm.base}/submit`, new Uint8Array([0x7b, 0xff, 0x7d]));
    expect(answer).toMatchObject({ status: 500, body: '{"message":"the request body is not UTF-8"}' });
  });

  it('must not have more than 4 MiB; the connection is closed, the coordinator keeps serving', async () => {
    const large = JSON.stringify({ ...SAGA, payloads: ['x'.repeat(4 * 1024 * 1024)] });
    const answer = await dtm.post('submit', large);
    expect(answer).toMatchObject({ status: 413, body: '{"message":"the request body has more than 4194304 bytes"}' });
    expect(answer.headers['connection']).toBe('close');
    const fitting = { ...SAGA, payloads: ['x'.repeat(4 * 1024 * 1024 - 300)], wait_result: true };
    expect(await dtm.answer('submit', fitting)).toBe(SUCCESS_ANSWER);
  });

  it('must not have more than 10,000 steps', async () => {
    const steps = Array.from({ length: 10_001 }, () => ({}));
    const payloads = steps.map(() => '');
    expect(await dtm.answer('submit', { ...SAGA, steps, payloads })).toBe(
      failure(
        'a saga has 10001 branches: the limit is 10000; send less, or raise maxBranches of the coordinator (MaxBranches of serve)',
      ),
    );
  });
});

describe('the body of registerBranch', () => {
  beforeEach(() => dtm.post('prepare', { gid: 'g', trans_type: 'tcc' }));

  it.each(['', '{', '[]', '"x"', 'null', '{"gid":1}', '{"gid":"g","data":{}}', '{"gid":"g","list":["a"]}'])(
    'must be one object of strings, or the answer is 400 in plain text: %s',
    async (body) => {
      for (const operation of ['registerBranch', 'registerTccBranch', 'registerXaBranch']) {
        expect(await dtm.post(operation, body)).toMatchObject({
          status: 400,
          type: 'text/plain; charset=utf-8',
          body: '{"message":"the body must be one JSON object whose values are all strings"}',
        });
      }
    },
  );

  it.each([
    ['{}', 'unknow trans type: '],
    ['{"gid":"g","trans_type":"zz"}', 'unknow trans type: zz'],
    ['{"gid":"g","trans_type":"saga","branch_id":"01"}', 'unknow trans type: saga'],
    ['{"gid":"g","trans_type":"msg","branch_id":"01"}', 'unknow trans type: msg'],
    ['{"gid":"g","trans_type":"xa","branch_id":"01"}', 'url of an XA branch must not be empty'],
    [
      '{"gid":"g","trans_type":"workflow","branch_id":"01","op":"try","status":"succeed"}',
      'op of a workflow branch must be one of action, commit, rollback, business, not "try"',
    ],
    [
      '{"gid":"g","trans_type":"workflow","branch_id":"01","op":"action","status":"prepared"}',
      'status of a workflow branch must be succeed or failed, not "prepared"',
    ],
    ['{"trans_type":"tcc","branch_id":"01"}', 'gid must be a non-empty string'],
    ['{"gid":"g","trans_type":"tcc"}', 'branch_id must be a non-empty string'],
  ])('%s is answered with 500', async (body, message) => {
    expect(await dtm.answer('registerBranch', body)).toBe(failure(message));
  });

  it('can have nulls and keys in another case', async () => {
    const body = { Gid: 'g', TRANS_TYPE: 'tcc', branch_id: '01', confirm: 'http://b/c', cancel: null, data: null };
    expect(await dtm.answer('registerBranch', body)).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).branches).toMatchObject([{ url: '', payload: '' }, { url: 'http://b/c' }]);
  });

  it('can contain the decisive words without deciding anything', async () => {
    await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: 'FAILURE' });
    const { status, body } = await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: 'FAILURE' });
    expect(status).toBe(500);
    expect(body).not.toContain('FAILURE');
  });
});

describe('unusual clients', () => {
  it('a client that disconnects during a request does no harm', async () => {
    const { hostname, port } = new URL(dtm.base);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write('POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"gid":');
    await new Promise<void>((resolve) => void socket.once('connect', resolve));
    await settled();
    socket.destroy();
    await settled();
    expect((await get(`${dtm.base}/newGid`)).status).toBe(200);
    expect((await dtm.server.all()).transactions).toEqual([]);
  });

  it('a web page is refused, because browsers let any page post to this machine', async () => {
    const headers = { origin: 'https://evil.example', 'content-type': 'text/plain' };
    const answer = await request(`${dtm.base}/submit`, { method: 'POST', headers, body: JSON.stringify(SAGA) });
    expect(answer.statusCode).toBe(403);
    expect(await answer.body.text()).toContain('web page');
    expect((await dtm.server.all()).transactions).toEqual([]);
  });

  it('a client without HTTP gets 400', async () => {
    const { hostname, port } = new URL(dtm.base);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    const answer = new Promise<string>((resolve) => void socket.once('data', (chunk) => resolve(chunk.toString())));
    socket.write('hello\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('a submit that waits for its result', () => {
  const twoSteps = {
    ...SAGA,
    wait_result: true,
    steps: [STEP, { action: 'http://b/a2', compensate: 'http://b/c2' }],
    payloads: ['1', '2'],
  };

  it('is answered with success when the transaction succeeded', async () => {
    expect(await dtm.answer('submit', twoSteps)).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.keys).toEqual(['01 action', '02 action']);
  });

  it('is answered with 409 and the reason when it was rolled back', async () => {
    dtm.transport.answer('02 action', FAILURE);
    const { status, body } = await dtm.post('submit', twoSteps);
    expect([status, body]).toEqual([
      409,
      '{"dtm_result":"FAILURE","message":"url:http://b/a2 return failed: refused FAILURE"}',
    ]);
    expect((await dtm.find('g')).transaction.status).toBe('failed');
  });

  it('is answered with 409 during the rollback', async () => {
    dtm.transport.answer('02 action', FAILURE).answer('01 compensate', ONGOING);
    expect(await dtm.post('submit', twoSteps)).toMatchObject({ status: 409 });
    expect((await dtm.find('g')).transaction.status).toBe('aborting');
  });

  it.each([
    [ONGOING, 'not yet'],
    [{ kind: 'unknown', message: 'status 500: boom' } as const, 'status 500: boom'],
  ])('is answered with 425 and the state when nothing is decided yet: %j', async (outcome, reason) => {
    dtm.transport.answer('02 action', outcome);
    const { status, body } = await dtm.post('submit', twoSteps);
    expect([status, body]).toEqual([
      425,
      JSON.stringify({ dtm_result: 'ONGOING', message: `transaction g is submitted: ${reason} ONGOING` }),
    ]);
  });

  it('is answered with 425, too, when a confirm fails, which decides nothing', async () => {
    const tcc = { gid: 'g', trans_type: 'tcc', wait_result: true };
    await dtm.post('prepare', tcc);
    await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: '01', confirm: 'http://b/confirm' });
    dtm.transport.answer('01 confirm', FAILURE);
    expect((await dtm.post('submit', tcc)).status).toBe(425);
    expect((await dtm.find('g')).transaction.status).toBe('submitted');
  });

  it('waits for the running pass when it is repeated, and gets the same answer', async () => {
    const held = dtm.transport.hold('01 action');
    const first = dtm.answer('submit', twoSteps);
    await held.arrived;
    const second = dtm.answer('submit', twoSteps);
    await settled();
    held.answer(FAILURE);
    expect(await second).toBe(await first);
    expect(await first).toMatch(/^409 .*return failed: refused FAILURE/);
    expect(dtm.transport.timesOf('01 action')).toHaveLength(1);
  });

  it('is answered at once when it is repeated between two attempts, and makes the transaction due', async () => {
    dtm.transport.answer('01 action', ONGOING);
    await dtm.post('submit', twoSteps);
    expect((await dtm.post('submit', twoSteps)).status).toBe(425);
    await settled();
    expect(dtm.transport.timesOf('01 action')).toHaveLength(2);
  });

  it('is answered with 409 after a forced stop', async () => {
    const held = dtm.transport.hold('01 action');
    const waiting = dtm.answer('submit', twoSteps);
    await held.arrived;
    await dtm.post('forceStop', { gid: 'g' });
    held.answer({ kind: 'success', body: '' });
    expect(await waiting).toMatch(/^409 .*stopped by force FAILURE/);
    expect((await dtm.find('g')).transaction.status).toBe('failed');
  });

  it('an abort that waits is answered with success when every branch is cancelled, otherwise with 425', async () => {
    const tcc = { gid: 'g', trans_type: 'tcc', wait_result: true };
    await dtm.post('prepare', tcc);
    await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: '01', cancel: 'http://b/cancel' });
    const held = dtm.transport.hold('01 cancel');
    const first = dtm.answer('abort', tcc);
    await held.arrived;
    const second = dtm.answer('abort', tcc);
    await settled();
    held.answer(ONGOING);
    expect(await first).toBe('425 {"dtm_result":"ONGOING","message":"transaction g is aborting: not yet ONGOING"}');
    expect(await second).toBe(await first);
    expect(await dtm.answer('abort', tcc)).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).transaction.status).toBe('failed');
  });
});
