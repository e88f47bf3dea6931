import { embeddedServer, memoryStore, type EmbeddedServer, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WORKFLOW_PROTO } from '../../../lib/protocol/internal.js';
import { GrpcClient, requestMessage, type RequestFields } from '../../support/grpc-client.js';
import { definitionOf } from '../../support/grpc-definitions.js';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { post } from '../../support/http-client.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const WAIT = { TransOptions: { WaitResult: true } };

let clock: VirtualClock;
let server: EmbeddedServer;
let dtm: GrpcClient;
let bank: GrpcParticipant;

/** A coordinator with real calls and a virtual clock. */
async function start(options: EmbeddedServerOptions = {}): Promise<void> {
  clock = new VirtualClock();
  const listen = { port: 0, grpcPort: 0 };
  server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), clock, listen, ...options });
  onTestFinished(() => server.close());
  await server.open();
  server.recover();
  dtm = new GrpcClient(server.grpcAddress!);
}

beforeEach(async () => {
  await start();
  bank = await GrpcParticipant.start();
  for (const method of ['In', 'InUndo', 'Out', 'OutUndo', 'Confirm', 'Cancel', 'Xa']) {
    bank.answer(`bank.Bank/${method}`, REPLIES.success);
  }
});

const url = (method: string): string => bank.url(`bank.Bank/${method}`);

async function show(gid = 'g'): Promise<string> {
  const { transaction, branches } = (await server.query(gid))!;
  return `${transaction.status}: ${branches.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`).join(', ')}`;
}

async function isFinal(status: string, gid = 'g'): Promise<boolean> {
  return (await server.query(gid))?.transaction.status === status;
}

/** Advances the virtual clock until a condition holds, and lets the network work meanwhile. */
async function advanceUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitUntil(async () => {
    await clock.advance(1000);
    return condition();
  });
}

function sagaOfTwo(rest: RequestFields = {}): object {
  const steps = [
    { action: url('Out'), compensate: url('OutUndo') },
    { action: url('In'), compensate: url('InUndo') },
  ];
  return requestMessage('g', 'saga', { steps, payloads: ['30', Buffer.from([0xff])], ...WAIT, ...rest });
}

describe('a saga over gRPC', () => {
  it('calls its branches in order, with their payloads as bytes', async () => {
    expect(await dtm.answer('Submit', sagaOfTwo())).toBe('OK');
    expect(bank.lines).toEqual(['/bank.Bank/Out 01 action', '/bank.Bank/In 02 action']);
    expect(bank.calls.map(({ message }) => [...message])).toEqual([[...Buffer.from('30')], [0xff]]);
    expect(bank.calls[0]!.metadata).toMatchObject({
      'dtm-gid': 'g',
      'dtm-trans_type': 'saga',
      'dtm-branch_id': '01',
      'dtm-op': 'action',
      'dtm-dtm': '',
    });
  });

  it('is rolled back when a branch answers ABORTED', async () => {
    bank.answer('bank.Bank/In', REPLIES.failure);
    expect(await dtm.answer('Submit', sagaOfTwo())).toBe(`ABORTED url:${url('In')} return failed: no money FAILURE`);
    await waitUntil(() => isFinal('failed'));
    expect(bank.lines).toEqual([
      '/bank.Bank/Out 01 action',
      '/bank.Bank/In 02 action',
      '/bank.Bank/InUndo 02 compensate',
      '/bank.Bank/OutUndo 01 compensate',
    ]);
  });

  it.each([
    ['FAILED_PRECONDITION', REPLIES.ongoing, 'transaction g is submitted: not yet ONGOING'],
    ['ABORTED ONGOING', { code: 10, details: 'ONGOING' }, 'transaction g is submitted ONGOING'],
    ['INTERNAL', REPLIES.broken, 'transaction g is submitted: INTERNAL: boom ONGOING'],
  ])('asks again when a branch answers %s', async (_, reply, message) => {
    bank.answer('bank.Bank/In', reply, REPLIES.success);
    expect(await dtm.answer('Submit', sagaOfTwo())).toBe(`FAILED_PRECONDITION ${message}`);
    await advanceUntil(() => isFinal('succeed'));
    expect(bank.lines).toEqual(['/bank.Bank/Out 01 action', '/bank.Bank/In 02 action', '/bank.Bank/In 02 action']);
  });

  it('continues when an absent participant is back', async () => {
    bank.stop();
    const answer = await dtm.answer('Submit', sagaOfTwo());
    expect(answer).toMatch(/^FAILED_PRECONDITION transaction g is submitted: UNAVAILABLE: .*ECONNREFUSED/);
    await bank.restart();
    await advanceUntil(() => isFinal('succeed'));
  });

  it('uses the request time-out of the transaction', async () => {
    bank.answer('bank.Bank/Out', () => new Promise(() => undefined));
    const answer = await dtm.answer('Submit', sagaOfTwo({ TransOptions: { WaitResult: true, RequestTimeout: 1 } }));
    expect(answer).toMatch(/^FAILED_PRECONDITION .*DEADLINE_EXCEEDED: Deadline exceeded after (1\.0|0\.99)/);
  });

  it('sends the branch headers of the transaction', async () => {
    await dtm.answer('Submit', sagaOfTwo({ TransOptions: { WaitResult: true, BranchHeaders: { 'X-Tenant': 'a b' } } }));
    expect(bank.calls.map(({ metadata }) => metadata['x-tenant'])).toEqual(['a b', 'a b']);
  });

  it('can have HTTP branches and gRPC branches', async () => {
    const shop = await Participant.start();
    const steps = [{ action: url('Out'), compensate: url('OutUndo') }, { action: shop.url('/order') }, { action: '' }];
    const payloads = ['1', '{"order":1}', ''];
    expect(await dtm.answer('Submit', requestMessage('g', 'saga', { steps, payloads, ...WAIT }))).toBe('OK');
    expect(shop.requests).toMatchObject([{ path: '/order', body: '{"order":1}', query: { branch_id: '02' } }]);
    expect(bank.lines).toEqual(['/bank.Bank/Out 01 action']);
  });

  it('can be submitted over HTTP, with the protocol in the body', async () => {
    const steps = [{ action: url('Out'), compensate: url('OutUndo') }];
    const body = { gid: 'g', trans_type: 'saga', protocol: 'grpc', steps, payloads: ['text'], wait_result: true };
    expect(await post(`${server.address}/submit`, body)).toMatchObject({ status: 200 });
    expect(bank.calls.map(({ message }) => message.toString())).toEqual(['text']);
  });
});

describe('a TCC over gRPC', () => {
  const branch = (number: number): object => ({
    Gid: 'g',
    TransType: 'tcc',
    BranchID: `0${number}`,
    Data: { confirm: url('Confirm'), cancel: url('Cancel') },
    BusiPayload: Buffer.from([number, 0xff]),
  });

  it.each([
    ['Submit', 'Confirm', 'confirm'],
    ['Abort', 'Cancel', 'cancel'],
  ])('%s calls %s of its branches in reverse order', async (end, method, op) => {
    await dtm.answer('Prepare', requestMessage('g', 'tcc'));
    for (const number of [1, 2]) expect(await dtm.answer('RegisterBranch', branch(number))).toBe('OK');
    expect(await dtm.answer(end, requestMessage('g', 'tcc', WAIT))).toBe('OK');
    expect(bank.lines).toEqual([`/bank.Bank/${method} 02 ${op}`, `/bank.Bank/${method} 01 ${op}`]);
    expect(bank.calls.map(({ message }) => [...message])).toEqual([
      [2, 0xff],
      [1, 0xff],
    ]);
  });

  it('without a submit is cancelled at its time-out', async () => {
    await dtm.answer('Prepare', requestMessage('g', 'tcc'));
    await dtm.answer('RegisterBranch', branch(1));
    await advanceUntil(() => isFinal('failed'));
    expect(bank.lines).toEqual(['/bank.Bank/Cancel 01 cancel']);
  });

  it('accepts branches that are registered over HTTP', async () => {
    await dtm.answer('Prepare', requestMessage('g', 'tcc'));
    const urls = { confirm: url('Confirm'), cancel: url('Cancel') };
    const body = { gid: 'g', trans_type: 'tcc', branch_id: '01', data: 'text', ...urls };
    expect(await post(`${server.address}/registerBranch`, body)).toMatchObject({ status: 200 });
    expect(await dtm.answer('Submit', requestMessage('g', 'tcc', WAIT))).toBe('OK');
    expect(bank.calls.map(({ message }) => message.toString())).toEqual(['text']);
  });

  it('that was prepared over HTTP accepts only HTTP branches', async () => {
    await post(`${server.address}/prepare`, { gid: 'g', trans_type: 'tcc' });
    expect(await dtm.answer('RegisterBranch', branch(1))).toMatch(
      /^INVALID_ARGUMENT confirm ".*\/bank\.Bank\/Confirm" has no scheme; put http:\/\/ in front, or set protocol/,
    );
    const urls = { confirm: 'http://bank/confirm', cancel: 'http://bank/cancel' };
    expect(await dtm.answer('RegisterBranch', { ...branch(1), Data: urls })).toBe('OK');
    expect(await show()).toBe('prepared: 01 cancel prepared, 01 confirm prepared');
  });
});

describe('an XA over gRPC', () => {
  it.each([
    ['Submit', 'commit'],
    ['Abort', 'rollback'],
  ])('%s sends %s with an empty message, in order', async (end, op) => {
    await dtm.answer('Prepare', requestMessage('g', 'xa'));
    for (const BranchID of ['01', '02']) {
      const xa = { Gid: 'g', TransType: 'xa', BranchID, Data: { url: url('Xa') } };
      expect(await dtm.answer('RegisterBranch', xa)).toBe('OK');
    }
    expect(await dtm.answer(end, requestMessage('g', 'xa', WAIT))).toBe('OK');
    expect(bank.lines).toEqual([`/bank.Bank/Xa 01 ${op}`, `/bank.Bank/Xa 02 ${op}`]);
    expect(bank.calls.map(({ message }) => message.length)).toEqual([0, 0]);
  });
});

describe('a message over gRPC', () => {
  const message = (rest: RequestFields = {}): object =>
    requestMessage('g', 'msg', {
      steps: [{ action: url('In') }],
      payloads: ['x'],
      QueryPrepared: bank.url('bank.Bank/Check'),
      ...rest,
    });

  it('is delivered when it is submitted', async () => {
    await dtm.answer('Prepare', message());
    expect(bank.lines).toEqual([]);
    expect(await dtm.answer('Submit', message(WAIT))).toBe('OK');
    expect(bank.lines).toEqual(['/bank.Bank/In 01 action']);
  });

  it.each([
    ['OK', REPLIES.success, 'succeed', ['/bank.Bank/Check 00 msg', '/bank.Bank/In 01 action']],
    ['ABORTED', REPLIES.failure, 'failed', ['/bank.Bank/Check 00 msg']],
  ])('whose silent initiator answers %s to the empty message that asks it is %s', async (_, reply, status, lines) => {
    bank.answer('bank.Bank/Check', reply);
    await dtm.answer('Prepare', message());
    await advanceUntil(() => isFinal(status));
    expect(bank.lines).toEqual(lines);
    expect(bank.calls[0]!.message).toHaveLength(0);
  });

  it('to a topic reaches subscribers over gRPC and HTTP, whichever API it came by', async () => {
    const shop = await Participant.start();
    for (const URL of [url('In'), shop.url('/in')]) {
      expect(await dtm.answer('Subscribe', { Topic: 'orders', URL })).toBe('OK');
    }
    const steps = [{ action: 'topic://orders' }];
    expect(await dtm.answer('Submit', requestMessage('g', 'msg', { steps, payloads: ['{}'], ...WAIT }))).toBe('OK');
    const body = { gid: 'h', trans_type: 'msg', steps, payloads: ['{}'], wait_result: true };
    expect(await post(`${server.address}/submit`, body)).toMatchObject({ status: 200 });
    expect(bank.calls.map(({ metadata }) => metadata['dtm-gid'])).toEqual(['g', 'h']);
    expect(shop.requests.map(({ query }) => query['gid'])).toEqual(['g', 'h']);
  });
});

describe('a workflow over gRPC', () => {
  it('whose initiator falls silent is called with its name and its input', async () => {
    const { requestDeserialize } = definitionOf(WORKFLOW_PROTO, 'Workflow')['Execute']!;
    bank.answer('workflow.Workflow/Execute', REPLIES.broken, async () => {
      const ReqExtra = { status: 'succeed', result: 'b2s=' };
      expect(await dtm.answer('Submit', requestMessage('g', 'workflow', { ReqExtra }))).toBe('OK');
      return REPLIES.success;
    });
    const data = Buffer.from([1, 0xff]);
    const CustomedData = JSON.stringify({ name: 'transfer', data: data.toString('base64') });
    const QueryPrepared = bank.url('workflow.Workflow/Execute');
    await dtm.answer('PrepareWorkflow', requestMessage('g', 'workflow', { CustomedData, QueryPrepared }));
    await advanceUntil(() => isFinal('succeed'));
    expect(bank.lines).toEqual(['/workflow.Workflow/Execute 00 transfer', '/workflow.Workflow/Execute 00 transfer']);
    expect(bank.calls.map(({ message }) => requestDeserialize(message))).toEqual([{ Data: data }, { Data: data }]);
  });
});

describe('a branch that could never be called over gRPC is refused at once', () => {
  const NO_SCHEME =
    /^INVALID_ARGUMENT (action|compensate|query_prepared|url|confirm) "etcd.*for etcd:\/\/ use dtm-driver-gozero/;
  const METADATA = /^INVALID_ARGUMENT action ".*" cannot be called: gRPC metadata "/;

  it.each<[string, string, () => object, RegExp]>([
    [
      'an action with a scheme',
      'Submit',
      () => requestMessage('g', 'saga', { steps: [{ action: 'etcd://h/b.B/In' }], payloads: [''] }),
      NO_SCHEME,
    ],
    [
      'a compensation with a scheme',
      'Prepare',
      () => requestMessage('g', 'saga', { steps: [{ action: '', compensate: 'etcd://h/b.B/In' }], payloads: [''] }),
      NO_SCHEME,
    ],
    [
      'a query-back with a scheme',
      'Prepare',
      () => requestMessage('g', 'msg', { QueryPrepared: 'etcd://h/b.B/In' }),
      NO_SCHEME,
    ],
    [
      'a callback with a scheme',
      'PrepareWorkflow',
      () => requestMessage('g', 'workflow', { QueryPrepared: 'etcd://h/b.B/In', CustomedData: '{"name":"a"}' }),
      NO_SCHEME,
    ],
    [
      'a workflow whose name metadata cannot carry',
      'PrepareWorkflow',
      () => requestMessage('g', 'workflow', { QueryPrepared: url('In'), CustomedData: '{"name":"帳"}' }),
      /^INVALID_ARGUMENT query_prepared ".*" cannot be called: gRPC metadata "dtm-op"/,
    ],
    [
      'a gid that metadata cannot carry',
      'Submit',
      () => requestMessage('заказ', 'saga', { steps: [{ action: url('In') }], payloads: [''] }),
      METADATA,
    ],
    [
      'a header that metadata cannot carry',
      'Submit',
      () =>
        requestMessage('g', 'saga', {
          steps: [{ action: url('In') }],
          payloads: [''],
          TransOptions: { BranchHeaders: { 'a!': '' } },
        }),
      METADATA,
    ],
    [
      'a topic of another scheme',
      'Subscribe',
      () => ({ Topic: 't', URL: 'etcd://h/b.B/In' }),
      /for etcd:\/\/ use dtm-driver-gozero/,
    ],
    [
      'a path',
      'Submit',
      () => requestMessage('g', 'saga', { steps: [{ action: '/b.B/In' }], payloads: [''] }),
      /^INVALID_ARGUMENT action "\/b\.B\/In" cannot be called: .* as host:port/,
    ],
  ])('%s', async (_, method, message, answer) => {
    expect(await dtm.answer(method, message())).toMatch(answer);
    expect((await server.all()).transactions).toEqual([]);
  });

  it('when it is registered', async () => {
    await dtm.answer('Prepare', requestMessage('g', 'tcc'));
    await dtm.answer('Prepare', requestMessage('h', 'xa'));
    const branch = { Gid: 'g', TransType: 'tcc', BranchID: '01' };
    const scheme = 'etcd://h/b.B/In';
    expect(await dtm.answer('RegisterBranch', { ...branch, Data: { confirm: scheme } })).toMatch(NO_SCHEME);
    const xa = { Gid: 'h', TransType: 'xa', BranchID: '01', Data: { url: scheme } };
    expect(await dtm.answer('RegisterBranch', xa)).toMatch(NO_SCHEME);
    const wide = { ...branch, BranchID: 'ä', Data: { confirm: url('Confirm') } };
    expect(await dtm.answer('RegisterBranch', wide)).toMatch(/gRPC metadata "dtm-branch_id"/);
    expect(await dtm.answer('RegisterBranch', { ...xa, Gid: 'none' })).toMatch(/^ABORTED no trans with gid: none/);
    expect([await show('g'), await show('h')]).toEqual(['prepared: ', 'prepared: ']);
  });

  it('unless a driver supports the scheme', async () => {
    const log: string[] = [];
    await start({
      driver: {
        name: 'own',
        registerGrpcResolver: () => undefined,
        registerService: async () => ({ close: async () => undefined }),
        parseServerMethod(uri) {
          log.push(uri);
          return { server: bank.address, method: uri.slice('own://bank'.length) };
        },
      },
    });
    const steps = [{ action: 'own://bank/bank.Bank/In' }];
    expect(await dtm.answer('Submit', requestMessage('g', 'saga', { steps, payloads: ['x'], ...WAIT }))).toBe('OK');
    expect(bank.lines).toEqual(['/bank.Bank/In 01 action']);
    // at the submit, and at the call
    expect(log).toEqual(['own://bank/bank.Bank/In', 'own://bank/bank.Bank/In']);
  });
});
