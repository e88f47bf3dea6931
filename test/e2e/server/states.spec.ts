import { DtmFailureError, DtmOngoingError, type GlobalStatus } from 'nestjs-dtm/protocol';
import { memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import {
  SUCCESS_ANSWER,
  failure,
  refusal,
  startHttpCoordinator,
  type HttpCoordinator,
} from '../../support/http-coordinator.js';
import { makeCoordinator, startCoordinator } from '../../support/coordinator.js';
import { sagaRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SECOND = 1000;

type Mode = 'saga' | 'tcc' | 'xa' | 'msg' | 'workflow';
type State = 'unknown' | GlobalStatus;

const MODES: readonly Mode[] = ['saga', 'tcc', 'xa', 'msg', 'workflow'];

/** The states that a transaction of a mode can be in. */
const STATES: Readonly<Record<Mode, readonly State[]>> = {
  saga: ['unknown', 'prepared', 'submitted', 'aborting', 'succeed', 'failed'],
  tcc: ['unknown', 'prepared', 'submitted', 'aborting', 'succeed', 'failed'],
  xa: ['unknown', 'prepared', 'submitted', 'aborting', 'succeed', 'failed'],
  msg: ['unknown', 'prepared', 'submitted', 'succeed', 'failed'],
  workflow: ['unknown', 'prepared', 'succeed', 'failed'],
};

const SAGA = {
  gid: 'g',
  trans_type: 'saga',
  steps: [{ action: 'http://b/a', compensate: 'http://b/c' }],
  payloads: ['{}'],
};
const TCC = { gid: 'g', trans_type: 'tcc' };
const XA = { gid: 'g', trans_type: 'xa' };
const MSG = {
  gid: 'g',
  trans_type: 'msg',
  query_prepared: 'http://b/q',
  steps: [{ action: 'http://b/a' }],
  payloads: ['{}'],
};
const WORKFLOW = {
  gid: 'g',
  trans_type: 'workflow',
  query_prepared: 'http://b/w',
  custom_data: '{"data":"","name":"w"}',
  req_extra: { status: 'succeed' },
};
const FAILED_WORKFLOW = { ...WORKFLOW, req_extra: { status: 'failed' } };

const bodyOf = { saga: SAGA, tcc: TCC, xa: XA, msg: MSG, workflow: WORKFLOW };

const BRANCH = { ...TCC, branch_id: '01', confirm: 'http://b/confirm', cancel: 'http://b/cancel', data: '{}' };
const XA_BRANCH = { ...XA, branch_id: '01', url: 'http://b/xa' };
const STEP = { gid: 'g', trans_type: 'workflow', branch_id: '01', op: 'action', status: 'succeed', data: '{}' };

/** A branch registration of a mode. */
const branchOf = { saga: undefined, tcc: BRANCH, xa: XA_BRANCH, msg: undefined, workflow: STEP };

/** Brings a transaction into a state, over HTTP. */
async function bring(dtm: HttpCoordinator, mode: Mode, state: State): Promise<void> {
  if (state === 'unknown') return;
  const accepted = async (call: string, body: object): Promise<void> => {
    expect(await dtm.answer(call, body)).toBe(SUCCESS_ANSWER);
  };
  const registered = branchOf[mode];
  if (state === 'prepared' || mode !== 'saga') await accepted('prepare', bodyOf[mode]);
  if (registered) await accepted('registerBranch', registered);
  if (state === 'prepared') return;
  const undone = state === 'aborting' || state === 'failed';
  dtm.transport.answer('01 action', undone ? FAILURE : state === 'submitted' ? ONGOING : SUCCESS);
  for (const key of ['01 confirm', '01 commit']) dtm.transport.answer(key, state === 'submitted' ? ONGOING : SUCCESS);
  for (const key of ['01 compensate', '01 cancel', '01 rollback']) {
    dtm.transport.answer(key, state === 'aborting' ? UNKNOWN : SUCCESS);
  }
  if (mode === 'workflow') await accepted('submit', undone ? FAILED_WORKFLOW : WORKFLOW);
  else await accepted(mode !== 'saga' && undone ? 'abort' : 'submit', bodyOf[mode]);
  await settled();
  expect((await dtm.find('g')).transaction.status).toBe(state);
  dtm.transport.calls.length = 0;
}

/** Answer, and state after it: SUCCESS, or the message. */
type Answers = Readonly<Record<State, readonly [string, State]>>;

interface Row {
  readonly call: string;
  readonly mode: Mode;
  /** Body instead of the default of the mode. */
  readonly body?: object;
  /** Expected answers by state before. */
  readonly answers: Answers;
}

/** The same answer in each state, without an effect. */
const unchanged = (answer: string): Answers => {
  const states = ['unknown', 'prepared', 'submitted', 'aborting', 'succeed', 'failed'] as const;
  return Object.fromEntries(
    states.map((state) => [state, [answer.replace('<status>', state), state]]),
  ) as unknown as Answers;
};

const NOT_FOUND = [failure('no TransGlobal with gid: g found; prepare or submit it first'), 'unknown'] as const;
const UNKNOWN_GID = [failure('no TransGlobal with gid: g found'), 'unknown'] as const;

const isTwoPhase = (mode: Mode): boolean => mode === 'tcc' || mode === 'xa';

/** The table of docs/protocol.md#calls-by-state. */
const ROWS: readonly Row[] = MODES.flatMap((mode): Row[] => {
  const others = MODES.filter((other) => other !== mode);
  const registered = branchOf[mode];
  const inUse = (other: Mode): string => refusal(`gid g belongs to a ${mode}; choose another gid for the ${other}`);
  const notPrepared = unchanged(refusal('no trans with gid: g status: prepared found'));
  const workflowSubmit = (status: 'succeed' | 'failed'): Answers => ({
    ...unchanged(refusal("current status '<status>', cannot sumbmit.")),
    unknown: NOT_FOUND,
    prepared: [SUCCESS_ANSWER, status],
    // the answer to the first attempt may have been lost
    [status]: [SUCCESS_ANSWER, status],
  });
  return [
    {
      call: 'prepare',
      mode,
      answers: {
        ...unchanged(refusal("current status '<status>', cannot prepare.")),
        unknown: [SUCCESS_ANSWER, 'prepared'],
        prepared: [SUCCESS_ANSWER, 'prepared'],
      },
    },
    {
      call: 'submit',
      mode,
      answers:
        mode === 'workflow'
          ? workflowSubmit('succeed')
          : {
              ...unchanged(refusal("current status '<status>', cannot sumbmit.")),
              unknown: [SUCCESS_ANSWER, 'succeed'],
              prepared: [SUCCESS_ANSWER, 'succeed'],
              submitted: [SUCCESS_ANSWER, 'submitted'],
            },
    },
    ...(mode === 'workflow'
      ? [{ call: 'submit', mode, body: FAILED_WORKFLOW, answers: workflowSubmit('failed') }]
      : []),
    ...others.flatMap((other): Row[] => [
      {
        call: 'prepare',
        mode,
        body: bodyOf[other],
        answers: { ...unchanged(inUse(other)), unknown: [SUCCESS_ANSWER, 'prepared'] },
      },
      {
        call: 'submit',
        mode,
        body: bodyOf[other],
        answers: {
          ...unchanged(inUse(other)),
          unknown: other === 'workflow' ? NOT_FOUND : [SUCCESS_ANSWER, 'succeed'],
        },
      },
      {
        call: 'abort',
        mode,
        body: bodyOf[other],
        answers: {
          ...unchanged(refusal(`trans type: '${mode}' current status '<status>', cannot abort.`)),
          unknown: NOT_FOUND,
        },
      },
    ]),
    {
      call: 'abort',
      mode,
      answers: {
        ...unchanged(refusal(`trans type: '${mode}' current status '<status>', cannot abort.`)),
        unknown: NOT_FOUND,
        ...(isTwoPhase(mode) || mode === 'msg' ? { prepared: [SUCCESS_ANSWER, 'failed'] } : {}),
        ...(isTwoPhase(mode) ? { aborting: [SUCCESS_ANSWER, 'aborting'] } : {}),
      },
    },
    {
      call: 'forceStop',
      mode,
      body: { gid: 'g' },
      answers: {
        unknown: UNKNOWN_GID,
        prepared: [SUCCESS_ANSWER, 'failed'],
        submitted: [SUCCESS_ANSWER, 'failed'],
        aborting: [SUCCESS_ANSWER, 'failed'],
        succeed: [refusal('global transaction force stop error. status: succeed. error:'), 'succeed'],
        failed: [refusal('global transaction force stop error. status: failed. error:'), 'failed'],
      },
    },
    {
      call: 'resetNextCronTime',
      mode,
      body: { gid: 'g' },
      answers: { ...unchanged(SUCCESS_ANSWER), unknown: UNKNOWN_GID },
    },
    ...(['tcc', 'xa', 'workflow'] as const).map((type): Row => ({
      call: 'registerBranch',
      mode,
      body: { ...branchOf[type], branch_id: '02' },
      answers: { ...notPrepared, ...(registered && type === mode ? { prepared: [SUCCESS_ANSWER, 'prepared'] } : {}) },
    })),
    ...(mode === 'workflow'
      ? []
      : [
          {
            call: 'prepareWorkflow',
            mode,
            answers: unchanged(failure(`prepareWorkflow prepares a workflow, not a ${mode}`)),
          },
        ]),
  ];
});

const CASES = ROWS.flatMap((row) =>
  STATES[row.mode].map((state) => ({ ...row, state, answer: row.answers[state][0], after: row.answers[state][1] })),
);

describe('each call in each state', () => {
  it.each(CASES)(
    '$call of $mode $body when $state: $answer, $after',
    async ({ call, mode, body, state, answer, after }) => {
      const dtm = await startHttpCoordinator();
      await bring(dtm, mode, state);
      const before = await dtm.store.find('g');
      expect(await dtm.answer(call, body ?? bodyOf[mode])).toBe(answer);
      await settled();
      const stored = await dtm.store.find('g');
      expect(stored?.transaction.status ?? 'unknown').toBe(after);
      if (!answer.startsWith('200')) expect(stored).toEqual(before);
    },
  );
});

describe('prepareWorkflow', () => {
  it.each(STATES.workflow)('of a workflow that is %s returns its state and progress', async (state) => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'workflow', state);
    const { status, body } = await dtm.post('prepareWorkflow', WORKFLOW);
    expect(status).toBe(200);
    const { progresses, transaction } = JSON.parse(body) as { progresses: object[]; transaction: { status: string } };
    expect(transaction.status).toBe(state === 'unknown' ? 'prepared' : state);
    expect(progresses).toMatchObject(state === 'unknown' ? [] : [{ branch_id: '01', op: 'action', status: 'succeed' }]);
  });

  it.each(['saga', 'tcc', 'xa', 'msg'] as const)('of a gid that is in use by a %s is refused', async (mode) => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, mode, 'prepared');
    expect(await dtm.answer('prepareWorkflow', WORKFLOW)).toBe(
      refusal(`gid g belongs to a ${mode}; choose another gid for the workflow`),
    );
    expect((await dtm.find('g')).transaction).toMatchObject({ transType: mode, status: 'prepared' });
  });
});

describe('a branch', () => {
  it.each(['registerBranch', 'registerTccBranch', 'registerXaBranch'])(
    'can be registered with %s, which old SDKs use',
    async (operation) => {
      const dtm = await startHttpCoordinator();
      await dtm.post('prepare', TCC);
      expect(await dtm.answer(operation, { ...BRANCH, status: 'prepared', try: 'http://b/try' })).toBe(SUCCESS_ANSWER);
      expect((await dtm.find('g')).branches).toMatchObject([
        { branchId: '01', op: 'cancel', url: 'http://b/cancel', payload: '{}', status: 'prepared' },
        { branchId: '01', op: 'confirm', url: 'http://b/confirm', payload: '{}', status: 'prepared' },
      ]);
    },
  );

  it('cannot be registered twice', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'tcc', 'prepared');
    expect(await dtm.answer('registerBranch', BRANCH)).toBe(
      failure('storage: UniqueKeyConflict: branch 01 is registered already'),
    );
    expect((await dtm.find('g')).branches).toHaveLength(2);
  });

  it('whose URLs could never be called is refused before the initiator calls its try', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', TCC);
    expect(await dtm.answer('registerBranch', { ...BRANCH, cancel: '/cancel' })).toBe(
      failure('cancel "/cancel" is not a URL; expected http://host:port/path'),
    );
    expect((await dtm.find('g')).branches).toEqual([]);
  });

  it('can have nothing to confirm or cancel', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', TCC);
    expect(await dtm.answer('registerBranch', { ...TCC, branch_id: '01' })).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('submit', { ...TCC, wait_result: true })).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.calls).toEqual([]);
  });
});

describe('submit after prepare', () => {
  it('runs the prepared steps with the options of both requests', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', { ...SAGA, request_timeout: 7, branch_headers: { a: 'prepare' } });
    const other = { steps: [], payloads: [] };
    expect(await dtm.answer('submit', { ...SAGA, ...other, wait_result: true, branch_headers: { a: 'submit' } })).toBe(
      SUCCESS_ANSWER,
    );
    expect(dtm.transport.calls).toMatchObject([
      { url: 'http://b/a', payload: '{}', headers: { a: 'submit' }, timeoutSeconds: 7 },
    ]);
  });

  it('needs no steps, and may set the order of the prepared steps', async () => {
    const dtm = await startHttpCoordinator();
    const steps = [{ action: 'http://b/a1' }, { action: 'http://b/a2' }];
    await dtm.post('prepare', { ...SAGA, steps, payloads: ['1', '2'] });
    const submit = {
      gid: 'g',
      trans_type: 'saga',
      custom_data: '{"concurrent":true,"orders":{"0":[1]}}',
      wait_result: true,
    };
    expect(await dtm.answer('submit', submit)).toBe(SUCCESS_ANSWER);
    expect(dtm.transport.keys).toEqual(['02 action', '01 action']);
  });

  it('is refused when its order does not fit the prepared steps', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', SAGA);
    const answer = await dtm.post('submit', { gid: 'g', trans_type: 'saga', custom_data: '{"orders":{"0":[1]}}' });
    expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('step 1 does not exist') });
    expect((await dtm.find('g')).transaction.status).toBe('prepared');
  });

  it('uses the interval of its own options', async () => {
    const dtm = await startHttpCoordinator();
    dtm.transport.answer('01 action', UNKNOWN);
    await dtm.post('prepare', SAGA);
    await dtm.post('submit', { ...SAGA, retry_interval: 2 });
    await settled();
    expect((await dtm.find('g')).transaction).toMatchObject({ nextCronInterval: 4 });
  });
});

describe('submit again', () => {
  it('of a saga that waits makes it due at once, and is the same saga', async () => {
    const { server, transport, show } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await settled();
    expect(transport.calls).toHaveLength(1);
    await server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 1 }));
    await settled();
    expect(transport.calls).toHaveLength(2);
    expect(await show('g')).toBe('succeed: 01 compensate prepared, 01 action succeed');
  });

  it.each([
    ['success', SUCCESS, undefined],
    ['a failure', FAILURE, DtmFailureError],
    ['undecided', UNKNOWN, DtmOngoingError],
  ])('waits for the pass that it has made due, and is told the result: %s', async (_, outcome, error) => {
    const { server, transport, clock } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, outcome);
    await server.submit(sagaRequest('g'));
    await settled();
    const told = server.submit(sagaRequest('g', 1, { waitResult: true })).catch((refused: unknown) => refused);
    await clock.advance(SECOND);
    if (error) expect(await told).toBeInstanceOf(error);
    else expect(await told).toBeUndefined();
    expect(transport.calls.filter(({ context }) => context.op === 'action')).toHaveLength(2);
  });

  it('waits for the pass of another coordinator, too, and for attempts that are due within its time', async () => {
    const store = memoryStore();
    const { server, transport, clock } = await startCoordinator({ store });
    transport.answer('01 action', UNKNOWN, UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 1, requestTimeoutSeconds: 10 }));
    await settled();
    const idle = makeCoordinator({ store, clock });
    await idle.server.open();
    const told = idle.server.submit(sagaRequest('g', 1, { waitResult: true }));
    await clock.advance(8 * SECOND);
    expect(await told).toBeUndefined();
    expect(idle.transport.calls).toEqual([]);
  });

  it('ends its wait when the coordinator stops', async () => {
    const { server, transport, clock } = await startCoordinator({ pollIntervalSeconds: 3600 });
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g', 1, { requestTimeoutSeconds: 600 }));
    await settled();
    const told = server.submit(sagaRequest('g', 1, { waitResult: true })).catch((refused: unknown) => refused);
    await clock.advance(5 * SECOND);
    await server.close();
    expect(await told).toBeInstanceOf(DtmOngoingError);
    expect(clock.pending).toBe(0);
  });

  it('of a saga whose pass runs calls nothing twice', async () => {
    const { server, transport } = await startCoordinator();
    const call = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await server.submit(sagaRequest('g'));
    await settled();
    expect(transport.calls).toHaveLength(1);
    call.answer(SUCCESS);
  });

  it.each([
    ['the URL of the action of step 1', { steps: [{ action: 'http://other/a', compensate: 'http://b/c1' }] }],
    ['the URL of the compensate of step 1', { steps: [{ action: 'http://b/a1' }] }],
    ['the payload of step 1', { payloads: ['other'] }],
    ['step 2, which is not stored', sagaRequest('g', 2)],
  ])('with other content is refused: %s', async (difference, change) => {
    const { server, transport } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await settled();
    const error = await server.submit(sagaRequest('g', 1, change)).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(DtmFailureError);
    expect(error).toMatchObject({ message: expect.stringContaining(`other content, which differs in: ${difference}`) });
    await settled();
    expect(transport.calls).toHaveLength(1);
  });

  it('of a prepared message carries the same steps, or none', async () => {
    const { server } = await startCoordinator();
    const message = {
      gid: 'g',
      transType: 'msg',
      queryPrepared: 'http://b/q',
      steps: [{ action: 'http://b/a' }],
    } as const;
    await server.prepare({ ...message, payloads: ['1'] });
    await server.prepare({ ...message, payloads: ['1'] });
    await expect(server.prepare({ ...message, payloads: ['2'] })).rejects.toThrow('the payload of step 1');
    await expect(server.submit({ ...message, payloads: ['2'] })).rejects.toThrow(DtmFailureError);
    await server.submit({ gid: 'g', transType: 'msg' });
  });

  it('of a running TCC does not lose its confirms', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'tcc', 'submitted');
    expect(await dtm.answer('submit', TCC)).toBe(SUCCESS_ANSWER);
    await settled();
    expect(await dtm.show('g')).toBe('submitted: 01 cancel prepared, 01 confirm prepared');
  });
});

describe('prepare again', () => {
  it('ignores the fields of the second request', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', SAGA);
    expect(await dtm.answer('prepare', { ...SAGA, steps: [], payloads: [] })).toBe(SUCCESS_ANSWER);
    expect((await dtm.find('g')).branches).toHaveLength(2);
  });
});

describe('abort', () => {
  it('stores the reason of the initiator', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'tcc', 'prepared');
    await dtm.post('abort', { ...TCC, rollback_reason: 'no stock' });
    await settled();
    expect((await dtm.find('g')).transaction).toMatchObject({ status: 'failed', rollbackReason: 'no stock' });
    expect(dtm.transport.keys).toEqual(['01 cancel']);
  });

  it('repeated retries at once and keeps the first reason', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'tcc', 'prepared');
    dtm.transport.answer('01 cancel', UNKNOWN, SUCCESS);
    await dtm.post('abort', { ...TCC, rollback_reason: 'first' });
    await settled();
    expect(await dtm.answer('abort', TCC)).toBe(SUCCESS_ANSWER);
    await settled();
    expect((await dtm.find('g')).transaction).toMatchObject({ status: 'failed', rollbackReason: 'first' });
  });
});

describe('forceStop', () => {
  it('calls no branch, now or later, and keeps the outcomes of the branches', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'saga', 'aborting');
    await dtm.post('forceStop', { gid: 'g' });
    await dtm.clock.advance(3_600_000);
    expect(dtm.transport.calls).toEqual([]);
    expect(await dtm.show('g')).toBe('failed: 01 compensate prepared, 01 action failed');
    expect((await dtm.find('g')).transaction).toMatchObject({
      rollbackReason: 'url:http://b/a return failed: refused',
    });
  });

  it('sets a reason when the transaction has none', async () => {
    const dtm = await startHttpCoordinator();
    await bring(dtm, 'saga', 'submitted');
    await dtm.post('forceStop', { gid: 'g' });
    expect((await dtm.find('g')).transaction).toMatchObject({ status: 'failed', rollbackReason: 'stopped by force' });
  });
});
