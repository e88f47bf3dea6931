import { Metadata } from '@grpc/grpc-js';
import { connect } from 'node:http2';
import type { TransactionDetails } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, sqliteStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { GRPC_STATUS } from '../../../lib/protocol/internal.js';
import { get, post } from '../../support/http-client.js';
import { requestMessage } from '../../support/grpc-client.js';
import { startGrpcCoordinator, type GrpcCoordinator } from '../../support/grpc-coordinator.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { FAILURE, ONGOING, ScriptedTransport, UNKNOWN } from '../../support/scripted-transport.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { tempFolder } from '../../support/temp-folder.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

/** Bytes that are not text. */
const BYTES = Buffer.from([0xff, 0x00, 0xfe, 0x0a]);

const SAGA = { steps: [{ action: 'b:1/b.B/A', compensate: 'b:1/b.B/C' }], payloads: [BYTES] };

const WAIT = { TransOptions: { WaitResult: true } };

let dtm: GrpcCoordinator;

beforeEach(async () => {
  dtm = await startGrpcCoordinator();
});

describe('the gRPC API', () => {
  it('returns new gids', async () => {
    const { status, reply } = await dtm.call('NewGid');
    expect(status).toBe('OK');
    expect(reply).toEqual({ Gid: expect.stringMatching(/^[23456789A-HJ-NP-Za-km-z]{18,22}$/) });
  });

  it('submits a saga whose branches receive their bytes unchanged, with the options of the request', async () => {
    const TransOptions = {
      WaitResult: true,
      RequestTimeout: 7,
      RetryInterval: 20,
      TimeoutToFail: 60,
      RetryLimit: 2,
      BranchHeaders: { 'X-A': 'b' },
    };
    const CustomedData = '{"concurrent":true}';
    expect(await dtm.call('Submit', requestMessage('g', 'saga', { ...SAGA, TransOptions, CustomedData }))).toEqual({
      status: 'OK',
      message: '',
      reply: {},
    });
    expect(dtm.transport.calls).toMatchObject([
      {
        key: '01 action',
        url: 'b:1/b.B/A',
        protocol: 'grpc',
        headers: { 'X-A': 'b' },
        timeoutSeconds: 7,
        context: { gid: 'g', transType: 'saga' },
      },
    ]);
    expect(Buffer.from(dtm.transport.calls[0]!.payload as Uint8Array).equals(BYTES)).toBe(true);
    const { transaction } = await dtm.find('g');
    expect(transaction).toMatchObject({
      status: 'succeed',
      protocol: 'grpc',
      customData: CustomedData,
      options: { timeoutToFailSeconds: 60, retryLimit: 2, retryIntervalSeconds: 20 },
    });
  });

  it('has bytes as base64 over HTTP', async () => {
    await dtm.call('Submit', requestMessage('g', 'saga', SAGA));
    const { body } = await get(`${dtm.base}/query?gid=g`);
    const shown = JSON.parse(body) as { branches: { bin_data: string }[]; transaction: { protocol: string } };
    expect(shown.branches[0]!.bin_data).toBe(BYTES.toString('base64'));
    expect(shown.transaction.protocol).toBe('grpc');
  });

  it('prepares a TCC, registers branches, and submits or aborts it', async () => {
    const branch = (gid: string): object => ({
      Gid: gid,
      TransType: 'tcc',
      BranchID: '01',
      Op: 'ignored',
      Data: { confirm: 'b:1/b.B/F', cancel: 'b:1/b.B/C' },
      BusiPayload: BYTES,
    });
    for (const [gid, end] of [
      ['g', 'Submit'],
      ['h', 'Abort'],
    ] as const) {
      expect(await dtm.answer('Prepare', requestMessage(gid, 'tcc'))).toBe('OK');
      expect(await dtm.answer('RegisterBranch', branch(gid))).toBe('OK');
      expect(await dtm.answer(end, requestMessage(gid, 'tcc', { ...WAIT, RollbackReason: 'no money' }))).toBe('OK');
    }
    expect(await dtm.show('g')).toBe('succeed: 01 cancel prepared, 01 confirm succeed');
    expect(await dtm.show('h')).toBe('failed: 01 cancel succeed, 01 confirm prepared');
    expect((await dtm.find('h')).transaction.rollbackReason).toBe('no money');
    for (const { payload } of dtm.transport.calls) {
      expect(Buffer.from(payload as Uint8Array).equals(BYTES)).toBe(true);
    }
  });

  it('registers XA branches, which have no payload', async () => {
    await dtm.call('Prepare', requestMessage('g', 'xa'));
    const branch = { Gid: 'g', TransType: 'xa', BranchID: '01', Data: { url: 'b:1/b.B/X' }, BusiPayload: BYTES };
    expect(await dtm.answer('RegisterBranch', branch)).toBe('OK');
    expect(await dtm.answer('Submit', requestMessage('g', 'xa', WAIT))).toBe('OK');
    expect(dtm.transport.calls).toMatchObject([{ key: '01 commit', url: 'b:1/b.B/X', payload: '' }]);
  });

  it('keeps the progress of a workflow and returns its result', async () => {
    const CustomedData = JSON.stringify({ name: 'transfer', data: null });
    const workflow = requestMessage('g', 'workflow', { CustomedData, QueryPrepared: 'b:1/workflow.Workflow/Execute' });
    expect(await dtm.call('PrepareWorkflow', workflow)).toMatchObject({
      status: 'OK',
      reply: { Transaction: { Gid: 'g', Status: 'prepared', RollbackReason: '', Result: '' }, Progresses: [] },
    });
    const step = { Gid: 'g', TransType: 'workflow', BranchID: '01', BusiPayload: BYTES };
    expect(await dtm.answer('RegisterBranch', { ...step, Data: { op: 'action', status: 'succeed' } })).toBe('OK');
    const ReqExtra = { status: 'succeed', result: BYTES.toString('base64') };
    expect(await dtm.answer('Submit', requestMessage('g', 'workflow', { ReqExtra }))).toBe('OK');
    const { reply } = await dtm.call('PrepareWorkflow', workflow);
    expect(reply).toEqual({
      Transaction: { Gid: 'g', Status: 'succeed', RollbackReason: '', Result: BYTES.toString('base64') },
      Progresses: [{ Status: 'succeed', BinData: BYTES, BranchID: '01', Op: 'action' }],
    });
  });

  it('returns why a workflow failed', async () => {
    const CustomedData = '{"name":"transfer"}';
    await dtm.call('PrepareWorkflow', requestMessage('g', 'workflow', { CustomedData }));
    const ReqExtra = { status: 'failed', rollback_reason: 'no money' };
    expect(await dtm.answer('Submit', requestMessage('g', 'workflow', { ReqExtra }))).toBe('OK');
    const { reply } = await dtm.call('PrepareWorkflow', requestMessage('g', 'workflow', { CustomedData }));
    expect(reply).toMatchObject({ Transaction: { Status: 'failed', RollbackReason: 'no money' } });
  });

  it('manages topics, whose messages reach subscribers over gRPC and HTTP', async () => {
    const topic = { Topic: 'orders', URL: 'b:1/b.B/Stock', Remark: 'stock' };
    expect(await dtm.answer('Subscribe', topic)).toBe('OK');
    expect(await dtm.answer('Subscribe', topic)).toBe('UNKNOWN this url exists');
    expect(await dtm.answer('Subscribe', { ...topic, URL: 'http://b/stock' })).toBe('OK');
    const message = requestMessage('g', 'msg', { steps: [{ action: 'topic://orders' }], payloads: ['x'], ...WAIT });
    expect(await dtm.answer('Submit', message)).toBe('OK');
    expect(dtm.transport.calls.map(({ url }) => url)).toEqual(['b:1/b.B/Stock', 'http://b/stock']);
    expect(await dtm.answer('Unsubscribe', topic)).toBe('OK');
    expect(await dtm.answer('Unsubscribe', topic)).toBe('UNKNOWN no such an url b:1/b.B/Stock');
    expect(await dtm.answer('DeleteTopic', topic)).toBe('OK');
    expect(await dtm.answer('DeleteTopic', topic)).toBe('UNKNOWN storage: NotFound');
    expect(await dtm.answer('Subscribe', { Topic: '', URL: 'b:1/b.B/Stock' })).toBe('INVALID_ARGUMENT empty topic');
    expect(await dtm.answer('Subscribe', { Topic: 'orders', URL: 'b/s' })).toMatch(
      /^INVALID_ARGUMENT url "b\/s" is not a URL/,
    );
  });

  it('and the HTTP API share the transactions', async () => {
    await dtm.call('Prepare', requestMessage('g', 'tcc'));
    const { status } = await post(`${dtm.base}/abort`, { gid: 'g', trans_type: 'tcc', wait_result: true });
    expect(status).toBe(200);
    expect(await dtm.answer('Submit', requestMessage('g', 'tcc'))).toBe(
      "ABORTED current status 'failed', cannot sumbmit. FAILURE",
    );
  });

  it('counts its calls', async () => {
    await dtm.call('NewGid');
    await dtm.call('Abort', requestMessage('none', 'tcc'));
    const { body } = await get(`${new URL(dtm.base).origin}/api/metrics`);
    expect(body).toContain('dtm_server_process_total{type="grpc",api="newgid",status="ok"} 1');
    expect(body).toContain('dtm_server_process_total{type="grpc",api="abort",status="fail"} 1');
  });
});

describe('the status of a call', () => {
  it('is ABORTED when the state of the transaction does not allow the call, with the text of the HTTP API', async () => {
    await dtm.call('Submit', requestMessage('g', 'saga', SAGA));
    const answers = {
      Prepare: "current status 'succeed', cannot prepare.",
      Submit: "current status 'succeed', cannot sumbmit.",
      Abort: "trans type: 'saga' current status 'succeed', cannot abort.",
    };
    await waitUntil(async () => (await dtm.find('g')).transaction.status === 'succeed');
    for (const [method, message] of Object.entries(answers)) {
      expect(await dtm.answer(method, requestMessage('g', 'saga', SAGA))).toBe(`ABORTED ${message} FAILURE`);
      const body = { gid: 'g', trans_type: 'saga' };
      const { body: overHttp } = await post(`${dtm.base}/${method.toLowerCase()}`, body);
      expect((JSON.parse(overHttp) as { message: string }).message).toBe(`${message} FAILURE`);
    }
    const branch = { Gid: 'g', TransType: 'tcc', BranchID: '01' };
    expect(await dtm.answer('RegisterBranch', branch)).toBe(
      'ABORTED no trans with gid: g status: prepared found FAILURE',
    );
    expect(await dtm.answer('RegisterBranch', { ...branch, Gid: 'none' })).toMatch(/^ABORTED no trans with gid: none/);
  });

  it.each([
    [FAILURE, /^ABORTED url:b:1\/b\.B\/A return failed: refused FAILURE$/],
    [ONGOING, /^FAILED_PRECONDITION transaction g is submitted.* ONGOING$/],
    [UNKNOWN, /^FAILED_PRECONDITION transaction g is submitted: status 500: boom ONGOING$/],
  ])('of a submit that waits says how the saga ended: %j', async (outcome, answer) => {
    dtm.transport.answer('01 action', outcome);
    expect(await dtm.answer('Submit', requestMessage('g', 'saga', { ...SAGA, ...WAIT }))).toMatch(answer);
  });

  it('is UNKNOWN when the coordinator cannot do what is asked', async () => {
    expect(await dtm.answer('Abort', requestMessage('none', 'tcc'))).toBe(
      'UNKNOWN no TransGlobal with gid: none found; prepare or submit it first',
    );
    await dtm.call('Prepare', requestMessage('g', 'tcc'));
    const branch = { Gid: 'g', TransType: 'tcc', BranchID: '01' };
    await dtm.call('RegisterBranch', branch);
    expect(await dtm.answer('RegisterBranch', branch)).toBe(
      'UNKNOWN storage: UniqueKeyConflict: branch 01 is registered already',
    );
  });

  it.each<[string, string, object, RegExp]>([
    ['an unknown mode', 'Submit', requestMessage('g', 'zz'), /^trans_type "zz" is unknown/],
    ['no mode', 'Submit', requestMessage('g', ''), /^trans_type "" is unknown/],
    ['no gid', 'Prepare', requestMessage('', 'tcc'), /^gid must be a non-empty string/],
    ['a gid that is not allowed', 'Prepare', requestMessage('a;b', 'tcc'), /^gid "a;b" is not allowed: /],
    ['steps that are no JSON', 'Submit', requestMessage('g', 'saga', { Steps: '[{' }), /^Steps is not JSON: /],
    ['steps that are no list', 'Submit', requestMessage('g', 'saga', { Steps: '1' }), /^steps must be an array/],
    [
      'fewer payloads than steps',
      'Submit',
      requestMessage('g', 'saga', { steps: SAGA.steps }),
      /send one payload for each step/,
    ],
    [
      'an invalid URL',
      'Submit',
      requestMessage('g', 'saga', { steps: [{ action: 'b' }], payloads: [''] }),
      /^action "b" is not a URL/,
    ],
    [
      'a topic without subscribers',
      'Submit',
      requestMessage('g', 'msg', { steps: [{ action: 'topic://t' }], payloads: [''] }),
      /^topic not found: t/,
    ],
    [
      'a circle of steps',
      'Submit',
      requestMessage('g', 'saga', { ...SAGA, CustomedData: '{"orders":{"0":[0]}}' }),
      /circle/,
    ],
    [
      'a negative time',
      'Submit',
      requestMessage('g', 'saga', { ...SAGA, TransOptions: { TimeoutToFail: -1 } }),
      /^timeout_to_fail/,
    ],
    [
      'a header that cannot be sent',
      'Submit',
      requestMessage('g', 'saga', { ...SAGA, TransOptions: { BranchHeaders: { 'a b': '' } } }),
      /^branch header "a b"/,
    ],
    ['a workflow without a name', 'PrepareWorkflow', requestMessage('g', 'workflow'), /^custom_data of a workflow/],
    ['a saga as a workflow', 'PrepareWorkflow', requestMessage('g', 'saga'), /^prepareWorkflow prepares a workflow/],
    [
      'a branch of an unknown mode',
      'RegisterBranch',
      { Gid: 'g', TransType: 'zz', BranchID: '01' },
      /^unknow trans type: zz/,
    ],
    [
      'a branch without an id',
      'RegisterBranch',
      { Gid: 'g', TransType: 'tcc' },
      /^branch_id must be a non-empty string/,
    ],
  ])('is INVALID_ARGUMENT for %s, and nothing is stored', async (_, method, message, text) => {
    const answer = await dtm.call(method, message);
    expect(answer.status).toBe('INVALID_ARGUMENT');
    expect(answer.message).toMatch(text);
    expect((await dtm.server.all()).transactions).toEqual([]);
  });

  it('is INTERNAL when the store fails, and the server keeps serving', async () => {
    let isBroken = false;
    const store = interceptStore(memoryStore(), async (_, call) => {
      if (isBroken) throw new Error('disk full');
      return call();
    });
    const broken = await startGrpcCoordinator({ store });
    isBroken = true;
    const answer = await broken.answer('Prepare', requestMessage('g', 'tcc'));
    expect(answer).toMatch(/^INTERNAL internal error [\da-f]{12}; the log has its text under this id$/);
    isBroken = false;
    expect(await broken.answer('Prepare', requestMessage('g', 'tcc'))).toBe('OK');
  });

  it('is UNIMPLEMENTED for unknown methods and services', async () => {
    for (const path of ['/dtmgimp.Dtm/ForceStop', '/dtmgimp.Other/Submit', '/']) {
      const code = await new Promise<number>((resolve) => {
        const bytes = (value: Buffer): Buffer => value;
        dtm.client.client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), new Metadata(), {}, (error) =>
          resolve(error?.code ?? 0),
        );
      });
      expect(code).toBe(GRPC_STATUS.UNIMPLEMENTED);
    }
  });

  it('is INTERNAL for an undecodable message', async () => {
    const code = await new Promise<number>((resolve) => {
      const bytes = (value: Buffer): Buffer => value;
      const broken = Buffer.from([0x0a, 0x7f, 0x00]);
      dtm.client.client.makeUnaryRequest('/dtmgimp.Dtm/Submit', bytes, bytes, broken, new Metadata(), {}, (error) =>
        resolve(error?.code ?? 0),
      );
    });
    expect(code).toBe(GRPC_STATUS.INTERNAL);
    expect(await dtm.answer('NewGid')).toBe('OK');
  });

  it('is RESOURCE_EXHAUSTED for a message of more than 4 MiB', async () => {
    const size = 4 * 1024 * 1024;
    const request = (payload: Buffer): object => requestMessage('g', 'saga', { ...SAGA, payloads: [payload] });
    const large = await dtm.call('Submit', request(Buffer.alloc(size)));
    expect(large.status).toBe('RESOURCE_EXHAUSTED');
    expect((await dtm.server.all()).transactions).toEqual([]);
    expect(await dtm.answer('Submit', request(Buffer.alloc(size - 1000)))).toBe('OK');
  });

  it('has a message of limited length, in any script', async () => {
    const long = `${'帳😀'.repeat(100_000)}`;
    const { status, message } = await dtm.call('Submit', requestMessage('g', long));
    expect(status).toBe('INVALID_ARGUMENT');
    expect(message.length).toBeLessThan(2100);
    expect(message).toMatch(/^trans_type "(帳😀)+帳?…$/u);
  });
});

describe('a request that is not gRPC', () => {
  it('is refused, and so is a gRPC request without a message', async () => {
    const session = connect(`http://${dtm.address}`);
    onTestFinished(() => session.destroy());
    const ask = async (headers: object): Promise<Record<string, unknown>> => {
      const stream = session.request({ ':method': 'POST', ':path': '/dtmgimp.Dtm/Submit', ...headers });
      stream.end();
      stream.resume();
      const answer = await new Promise<object>((resolve) => void stream.once('response', resolve));
      return answer as Record<string, unknown>;
    };
    expect(await ask({ 'content-type': 'application/json' })).toMatchObject({ ':status': 415 });
    const grpc = await ask({ 'content-type': 'application/grpc', te: 'trailers' });
    expect(Number(grpc['grpc-status'])).toBeGreaterThan(0);
    // what Go dtm sends to branches
    const raw = await ask({ 'content-type': 'application/grpc+dtm_raw', te: 'trailers' });
    expect(Number(raw['grpc-status'])).toBeGreaterThan(0);
  });
});

describe('bytes that are not text', () => {
  it('survive the store and a restart', async () => {
    const path = `${tempFolder()}/dtm.db`;
    const clock = new VirtualClock();
    const first = await startGrpcCoordinator({
      store: sqliteStore({ path }),
      transport: new ScriptedTransport(clock).answer('01 action', UNKNOWN),
      clock,
    });
    expect(await first.answer('Submit', requestMessage('g', 'saga', { ...SAGA, ...WAIT }))).toMatch(/^FAILED_PRECOND/);
    await first.server.close();

    const transport = new ScriptedTransport(clock);
    const second = embeddedServer({ store: sqliteStore({ path }), transport, clock, logger: new RecordingLogger() });
    onTestFinished(() => second.close());
    await second.open();
    second.recover();
    await clock.advance(60_000);
    await waitUntil(() => transport.calls.length > 0);
    expect(Buffer.from(transport.calls[0]!.payload as Uint8Array).equals(BYTES)).toBe(true);
    const { transaction } = (await second.query('g')) as TransactionDetails;
    expect(transaction).toMatchObject({ status: 'succeed', protocol: 'grpc' });
  });
});

describe('a client that leaves', () => {
  it('before the answer to its submit does not stop the saga', async () => {
    const held = dtm.transport.hold('01 action');
    const { status } = await dtm.client.call('Submit', requestMessage('g', 'saga', { ...SAGA, ...WAIT }), 300);
    expect(status).toBe('DEADLINE_EXCEEDED');
    await held.arrived;
    held.answer({ kind: 'success', body: '' });
    await waitUntil(async () => (await dtm.find('g')).transaction.status === 'succeed');
  });
});
