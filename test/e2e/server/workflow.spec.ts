import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { post } from '../../support/http-client.js';
import {
  SUCCESS_ANSWER,
  failure,
  refusal,
  startHttpCoordinator,
  type HttpCoordinator,
} from '../../support/http-coordinator.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { UNKNOWN } from '../../support/scripted-transport.js';
import { START_TIME, VirtualClock } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const WORKFLOW = {
  gid: 'g',
  trans_type: 'workflow',
  query_prepared: 'http://b/w',
  custom_data: JSON.stringify({ data: Buffer.from('{"amount":30}').toString('base64'), name: 'transfer' }),
};
const STEP = { gid: 'g', trans_type: 'workflow', branch_id: '01', op: 'action', status: 'succeed', data: '{"a":1}' };
const SUCCEED = { gid: 'g', trans_type: 'workflow', req_extra: { status: 'succeed', result: 'cmVz' } };
const FAILED = { gid: 'g', trans_type: 'workflow', req_extra: { status: 'failed', rollback_reason: 'no money' } };

interface Progress {
  readonly progresses: readonly Record<string, unknown>[];
  readonly transaction: Record<string, unknown>;
}

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

async function prepare(): Promise<Progress> {
  const { status, body } = await dtm.post('prepareWorkflow', WORKFLOW);
  expect(status).toBe(200);
  return JSON.parse(body) as Progress;
}

describe('a workflow', () => {
  it('is prepared, registers its steps, and is submitted with its result', async () => {
    expect(await prepare()).toMatchObject({ progresses: [], transaction: { gid: 'g', status: 'prepared' } });
    expect(await dtm.answer('registerBranch', STEP)).toBe(SUCCESS_ANSWER);
    for (const branch_id of ['02', '03'])
      expect(await dtm.answer('registerBranch', { ...STEP, branch_id })).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('registerBranch', { ...STEP, op: 'commit', data: '' })).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('submit', SUCCEED)).toBe(SUCCESS_ANSWER);
    const { progresses, transaction } = await prepare();
    expect(transaction).toMatchObject({ status: 'succeed', result: 'cmVz', finish_time: expect.any(String) });
    expect(progresses[0]).toMatchObject({
      gid: 'g',
      branch_id: '01',
      op: 'action',
      status: 'succeed',
      bin_data: Buffer.from('{"a":1}').toString('base64'),
    });
    expect(progresses.map(({ branch_id, op }) => `${String(branch_id)} ${String(op)}`)).toEqual([
      '01 action',
      '02 action',
      '03 action',
      '01 commit',
    ]);
    await dtm.clock.advance(3_600_000);
    expect(dtm.transport.keys).toEqual([]);
  });

  it('gets a progress that is large', async () => {
    await prepare();
    const data = 'x'.repeat(500_000);
    expect(await dtm.answer('registerBranch', { ...STEP, data })).toBe(SUCCESS_ANSWER);
    const { progresses } = await prepare();
    expect(progresses).toMatchObject([{ branch_id: '01', bin_data: Buffer.from(data).toString('base64') }]);
  });

  it('gets the progress of an earlier attempt when it is prepared again', async () => {
    await prepare();
    await dtm.post('registerBranch', { ...STEP, status: 'failed', data: 'no money' });
    expect((await prepare()).progresses).toMatchObject([{ branch_id: '01', op: 'action', status: 'failed' }]);
  });

  it('stores a failure with its reason', async () => {
    await prepare();
    expect(await dtm.answer('submit', FAILED)).toBe(SUCCESS_ANSWER);
    expect((await prepare()).transaction).toMatchObject({ status: 'failed', rollback_reason: 'no money' });
  });

  it('submitted again succeeds with the same result and is refused with another one', async () => {
    await prepare();
    for (let time = 0; time < 2; time++) expect(await dtm.answer('submit', SUCCEED)).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('submit', FAILED)).toBe(refusal("current status 'succeed', cannot sumbmit."));
    expect((await prepare()).transaction).toMatchObject({ status: 'succeed', result: 'cmVz' });
  });

  it.each([undefined, {}, { status: '' }, { status: 'submitted' }, { status: 'SUCCEED' }])(
    'cannot be submitted with the status of %j',
    async (reqExtra) => {
      await prepare();
      expect((await dtm.post('submit', { ...SUCCEED, req_extra: reqExtra })).body).toContain(
        'req_extra.status of a workflow must be succeed or failed',
      );
      expect((await prepare()).transaction).toMatchObject({ status: 'prepared' });
    },
  );

  it('that was not prepared can neither be submitted nor register steps', async () => {
    expect(await dtm.answer('submit', SUCCEED)).toBe(
      failure('no TransGlobal with gid: g found; prepare or submit it first'),
    );
    expect(await dtm.answer('registerBranch', STEP)).toBe(refusal('no trans with gid: g status: prepared found'));
  });

  it('registers a step once, and none when it is final', async () => {
    await prepare();
    await dtm.post('registerBranch', STEP);
    expect(await dtm.answer('registerBranch', STEP)).toBe(
      failure('storage: UniqueKeyConflict: branch 01 is registered already'),
    );
    await dtm.post('submit', SUCCEED);
    expect(await dtm.answer('registerBranch', { ...STEP, branch_id: '02' })).toBe(
      refusal('no trans with gid: g status: prepared found'),
    );
  });

  it('does not share its gid with a transaction of another mode', async () => {
    await prepare();
    expect((await dtm.post('submit', { gid: 'g', trans_type: 'tcc' })).status).toBe(409);
    expect((await dtm.post('abort', { gid: 'g', trans_type: 'workflow' })).status).toBe(409);
    expect((await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: '01' })).status).toBe(409);
    await dtm.post('prepare', { gid: 'h', trans_type: 'tcc' });
    expect((await dtm.post('prepareWorkflow', { ...WORKFLOW, gid: 'h' })).status).toBe(409);
    expect((await dtm.post('prepareWorkflow', { gid: 'i', trans_type: 'tcc' })).body).toContain('not a tcc');
  });

  it('that falls silent is called by name with its input, until it has submitted', async () => {
    await prepare();
    dtm.transport.answer('00 transfer', UNKNOWN, async () => {
      // the initiator, when it is called
      await prepare();
      await dtm.post('registerBranch', STEP);
      expect(await dtm.answer('submit', SUCCEED)).toBe(SUCCESS_ANSWER);
      return { kind: 'success', body: '' };
    });
    await dtm.clock.advance(9000);
    expect(dtm.transport.keys).toEqual([]);
    await dtm.clock.advance(2000);
    expect(dtm.transport.keys).toEqual(['00 transfer']);
    const { url, payload, context } = dtm.transport.calls[0]!;
    expect([url, Buffer.from(payload).toString(), context]).toEqual([
      'http://b/w',
      '{"amount":30}',
      { gid: 'g', transType: 'workflow', branchId: '00', op: 'transfer' },
    ]);
    await dtm.clock.advance(12_000);
    await vi.waitFor(async () => expect(await dtm.show('g')).toBe('succeed: 01 action succeed'));
    await dtm.clock.advance(3_600_000);
    expect(dtm.transport.keys).toEqual(['00 transfer', '00 transfer']);
  });

  it.each([
    ['{"amount":30}', 'POST', '{"amount":30}'],
    ['not JSON', 'POST', 'not JSON'],
    // as in dtm for every empty payload
    ['', 'GET', ''],
  ])('with the input %j is called by %s', async (input, method, body) => {
    const participant = await Participant.start();
    const clock = new VirtualClock();
    const logger = new RecordingLogger();
    const server = embeddedServer({ store: memoryStore(), clock, logger, listen: { port: 0 } });
    onTestFinished(() => server.close());
    await server.open();
    server.recover();
    const custom_data = JSON.stringify({ data: Buffer.from(input).toString('base64'), name: 'transfer' });
    const request = { ...WORKFLOW, query_prepared: participant.url('/w?x=1'), custom_data };
    expect((await post(`${server.address!}/prepareWorkflow`, request)).status).toBe(200);
    await clock.advance(12_000);
    await participant.received(1);
    expect(participant.requests).toMatchObject([
      { method, body, search: 'x=1&branch_id=00&gid=g&op=transfer&trans_type=workflow' },
    ]);
    expect(participant.requests[0]?.headers['content-type']).toBe('application/json');
  });

  it('keeps what it was prepared with, whatever the submit says', async () => {
    await prepare();
    await dtm.clock.advance(5000);
    const other = { query_prepared: 'http://evil/', custom_data: '{"name":"evil"}', retry_interval: 1 };
    expect(await dtm.answer('submit', { ...SUCCEED, ...other })).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).transaction).toMatchObject({
      status: 'succeed',
      createTime: START_TIME,
      updateTime: START_TIME + 5000,
      queryPrepared: WORKFLOW.query_prepared,
      customData: WORKFLOW.custom_data,
    });
    expect((await dtm.get(`all?createTimeStart=${START_TIME}&createTimeEnd=${START_TIME}`)).body).toContain(
      '"gid":"g"',
    );
  });

  it('can have an input, steps and a result of a megabyte', async () => {
    const data = 'x'.repeat(1_000_000);
    const custom_data = JSON.stringify({ data: Buffer.from(data).toString('base64'), name: 'transfer' });
    expect((await dtm.post('prepareWorkflow', { ...WORKFLOW, custom_data })).status).toBe(200);
    expect(await dtm.answer('registerBranch', { ...STEP, data })).toBe(SUCCESS_ANSWER);
    await dtm.clock.advance(12_000);
    expect(Buffer.from(dtm.transport.calls[0]!.payload).toString()).toBe(data);
    expect(await dtm.answer('submit', { ...SUCCEED, req_extra: { status: 'succeed', result: data } })).toBe(
      SUCCESS_ANSWER,
    );
    const { progresses, transaction } = await prepare();
    expect(transaction['result']).toBe(data);
    expect(progresses[0]?.['bin_data']).toBe(Buffer.from(data).toString('base64'));
  });

  it('that is only prepared is called after its interval, too', async () => {
    expect(await dtm.answer('prepare', WORKFLOW)).toBe(SUCCESS_ANSWER);
    await dtm.clock.advance(12_000);
    expect(dtm.transport.keys).toEqual(['00 transfer']);
  });

  it('can be stopped by force', async () => {
    await prepare();
    expect(await dtm.answer('forceStop', { gid: 'g' })).toBe(SUCCESS_ANSWER);
    expect((await prepare()).transaction).toMatchObject({ status: 'failed', rollback_reason: 'stopped by force' });
  });
});
