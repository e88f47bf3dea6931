import {
  Msg,
  Saga,
  branchTransport,
  dtmGrpcClient,
  dtmHttpClient,
  dtmJsonRpcClient,
  runTcc,
  type InitiatorDependencies,
} from 'nestjs-dtm/client';
import {
  DtmBranchError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  type DtmConnection,
  type TransactionDetails,
} from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServer } from 'nestjs-dtm/server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { GrpcParticipant, REPLIES } from '../../support/grpc-participant.js';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { waitUntil } from '../../support/wait-until.js';

// what hangs fails soon
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

/** Where a coordinator is reached. */
interface Addresses {
  readonly http: string;
  readonly grpc: string;
  /** The coordinator itself, when it is ours. */
  readonly embedded?: EmbeddedServer;
}

const CLIENTS: Readonly<Record<string, (at: Addresses) => DtmConnection>> = {
  dtmHttpClient: ({ http }) => dtmHttpClient(http),
  dtmJsonRpcClient: ({ http }) => dtmJsonRpcClient(`${new URL(http).origin}/api/json-rpc`),
  dtmGrpcClient: ({ grpc }) => dtmGrpcClient(grpc),
  'dtmGrpcClient with the HTTP API': ({ grpc, http }) => dtmGrpcClient(grpc, { http }),
};

const ours = async (): Promise<{ at: Addresses; stop(): Promise<void> }> => {
  const embedded = embeddedServer({
    store: memoryStore(),
    logger: new RecordingLogger(),
    listen: { port: 0, grpcPort: 0 },
  });
  await embedded.open();
  embedded.recover();
  return { at: { http: embedded.address!, grpc: embedded.grpcAddress!, embedded }, stop: () => embedded.close() };
};

const theirs = async (): Promise<{ at: Addresses; stop(): Promise<void> }> => {
  const dtm = await startDtm({ env: { LOG_LEVEL: 'error' } });
  return { at: { http: dtm.url, grpc: `${dtm.host}:${dtm.grpcPort}` }, stop: () => dtm.stop() };
};

describe('our coordinator', () => {
  const { ['dtmGrpcClient with the HTTP API']: _, ...clients } = CLIENTS;
  contract(ours, { embedded: ({ embedded }) => embedded!, ...clients });
});

const go = requireOrSkip('dtm');

describe.skipIf(!go.available)(go.title('Go dtm'), () => {
  const { dtmGrpcClient: _, ...clients } = CLIENTS;
  contract(theirs, clients);
});

/** What every client can do with every coordinator. */
function contract(start: typeof ours, clients: typeof CLIENTS): void {
  let running: Awaited<ReturnType<typeof ours>>;

  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running?.stop());

  describe.each(Object.entries(clients))('over %s', (_, make) => {
    let server: DtmConnection;
    let bank: Participant;
    let dependencies: InitiatorDependencies;
    let gid: string;

    beforeEach(async () => {
      server = make(running.at);
      if (server !== running.at.embedded) {
        await server.open();
        server.recover();
        onTestFinished(() => server.close());
      }
      bank = await Participant.start();
      const transport = branchTransport();
      onTestFinished(() => transport.close());
      dependencies = { api: server, transport };
      gid = await server.newGid();
    });

    const saga = (): Saga =>
      new Saga(dependencies, { gid, waitResult: true })
        .add({ action: bank.url('/out'), compensate: bank.url('/undo-out') }, { amount: 30 })
        .add({ action: bank.url('/in'), compensate: bank.url('/undo-in') }, { amount: 30 });

    const step = { try: '', confirm: '', cancel: '' };
    const tccUrls = (name: string): typeof step => ({
      try: bank.url(`/${name}/try`),
      confirm: bank.url(`/${name}/confirm`),
      cancel: bank.url(`/${name}/cancel`),
    });

    async function state(status: string): Promise<TransactionDetails> {
      let details: TransactionDetails | undefined;
      await waitUntil(async () => (details = await server.query(gid))?.transaction.status === status);
      return details!;
    }

    it('gids differ', async () => {
      expect(new Set([gid, await server.newGid(), await server.newGid()]).size).toBe(3);
    });

    it('a saga succeeds', async () => {
      expect(await saga().submit()).toBe(gid);
      expect(bank.lines).toEqual(['POST /out', 'POST /in']);
      expect(bank.requests[0]!).toMatchObject({ body: '{"amount":30}', query: { gid, op: 'action', branch_id: '01' } });
      const { branches, transaction } = await state('succeed');
      expect(transaction).toMatchObject({ gid, transType: 'saga', status: 'succeed' });
      expect(
        branches.filter(({ status }) => status === 'succeed').map(({ branchId, op }) => `${branchId} ${op}`),
      ).toEqual(['01 action', '02 action']);
    });

    it('a saga with a slow branch gets its time, with every coordinator', async () => {
      const branchTimeoutSeconds = { [bank.url('/in')]: 30 };
      await new Saga(dependencies, { gid, branchTimeoutSeconds, waitResult: true })
        .add({ action: bank.url('/out') }, 1)
        .add({ action: bank.url('/in') }, 1)
        .submit();
      const { options } = (await server.query(gid))!.transaction;
      // Go dtm has one time-out for all calls
      expect(options).toMatchObject(running.at.embedded ? { branchTimeoutSeconds } : { requestTimeoutSeconds: 30 });
    });

    it('a saga that is submitted again is the same saga', async () => {
      const one = saga();
      await one.submit();
      await one.submit();
      expect(bank.lines).toEqual(['POST /out', 'POST /in']);
    });

    it.each([true, false])(
      'a saga under the gid of another that has succeeded is a failure (waits: %s)',
      async (wait) => {
        await saga().submit();
        const other = new Saga(dependencies, { gid, waitResult: wait }).add(
          { action: bank.url('/other') },
          { amount: 7 },
        );
        await expect(other.submit()).rejects.toThrow(DtmFailureError);
        expect(bank.lines).toEqual(['POST /out', 'POST /in']);
      },
    );

    it('a message that is submitted again is the same message', async () => {
      const send = (): Promise<string> =>
        new Msg(dependencies, { gid, waitResult: true }).add(bank.url('/a'), { n: 1 }).add(bank.url('/b')).submit();
      await send();
      await send();
      expect(bank.lines).toEqual(['POST /a', 'GET /b']);
    });

    it('a saga that is rolled back is a failure', async () => {
      bank.answer('/in', { status: 409, body: '{"dtm_result":"FAILURE","message":"no money FAILURE"}' });
      const error = await saga()
        .submit()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DtmFailureError);
      expect(error).toMatchObject({
        gid,
        message: `transaction ${gid} was rolled back (action of branch 02): no money`,
        reason: 'no money',
        branch: { branchId: '02', op: 'action', url: bank.url('/in') },
      });
      expect(bank.lines).toEqual(['POST /out', 'POST /in', 'POST /undo-in', 'POST /undo-out']);
    });

    it('a saga that is not finished is ongoing', async () => {
      bank.answer('/in', { status: 425, body: '{"dtm_result":"ONGOING","message":"counting ONGOING"}' }, {});
      const error = await saga()
        .submit()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DtmOngoingError);
      const { transaction } = (await server.query(gid))!;
      const nextAttempt = new Date(transaction.nextCronTime);
      expect(error).toMatchObject({
        gid,
        // Go dtm does not tell what a branch answered
        reason: running.at.embedded && 'counting',
        branch: { branchId: '02', op: 'action', url: bank.url('/in') },
        nextAttempt,
        message:
          `transaction ${gid} is not finished (action of branch 02)${running.at.embedded ? ': counting' : ''}; ` +
          `next attempt at ${nextAttempt.toISOString()}`,
      });
      await server.forceStop(gid);
      expect((await state('failed')).transaction.status).toBe('failed');
    });

    it('a saga can have branches over gRPC', async () => {
      const participant = await GrpcParticipant.start();
      participant.answer('bank.Bank/Out', REPLIES.success).answer('bank.Bank/UndoOut', REPLIES.success);
      const urls = { action: participant.url('bank.Bank/Out'), compensate: participant.url('bank.Bank/UndoOut') };
      const payload = Buffer.from('{"é":1}');
      await new Saga(dependencies, { gid, waitResult: true }).add(urls, payload).submit();
      expect(participant.lines).toEqual(['/bank.Bank/Out 01 action']);
      expect(participant.calls[0]!.message.equals(payload)).toBe(true);
      expect((await server.query(gid))!.transaction.protocol).toBe('grpc');
    });

    it('a TCC is confirmed', async () => {
      bank.answer('/freeze/try', { body: '{"left":70}' });
      const left = await runTcc(dependencies, (tcc) => tcc.call(tccUrls('freeze'), { amount: 30 }), {
        gid,
        waitResult: true,
        sendCoordinator: true,
      });
      expect(left).toEqual({ left: 70 });
      expect(bank.lines).toEqual(['POST /freeze/try', 'POST /freeze/confirm']);
      expect(bank.requests[0]!.query).toMatchObject({ dtm: server.address });
    });

    it('a TCC whose try fails is cancelled', async () => {
      bank.answer('/freeze/try', { status: 409, body: '{"dtm_result":"FAILURE","message":"no money FAILURE"}' });
      const work = runTcc(dependencies, (tcc) => tcc.call(tccUrls('freeze'), {}), { gid });
      await expect(work).rejects.toMatchObject({
        gid,
        reason: 'no money',
        message: 'no money',
        branch: { branchId: '01', op: 'try', url: bank.url('/freeze/try') },
      });
      await expect(work).rejects.toThrow(DtmFailureError);
      await state('failed');
      expect(bank.lines).toEqual(['POST /freeze/try', 'POST /freeze/cancel']);
    });

    it('a TCC whose try does not decide is cancelled', async () => {
      bank.answer('/freeze/try', { status: 500, body: 'boom' });
      const work = runTcc(dependencies, (tcc) => tcc.call(tccUrls('freeze'), {}), { gid });
      await expect(work).rejects.toThrow(DtmBranchError);
      expect((await state('failed')).transaction.rollbackReason).toMatch(/boom/);
    });

    it('an XA is committed', async () => {
      const transaction = { gid, transType: 'xa', waitResult: true } as const;
      await server.prepare(transaction);
      await server.registerBranch({ gid, transType: 'xa', branchId: '01', url: bank.url('/xa') });
      await server.submit(transaction);
      expect((await state('succeed')).branches.map(({ op, status }) => `${op} ${status}`).toSorted()).toEqual([
        'commit succeed',
        'rollback prepared',
      ]);
      expect(bank.requests[0]!).toMatchObject({ method: 'POST', path: '/xa', query: { op: 'commit' } });
    });

    it('a message is prepared, and dropped', async () => {
      const message = { gid, transType: 'msg', queryPrepared: bank.url('/query') } as const;
      await server.prepare({ ...message, steps: [{ action: bank.url('/in') }], payloads: ['{}'] });
      await server.prepare(message);
      expect((await server.query(gid))!.transaction).toMatchObject({ status: 'prepared', transType: 'msg' });
      await server.abort({ gid, transType: 'msg', rollbackReason: 'no' });
      await state('failed');
      expect(bank.requests).toHaveLength(0);
    });

    it('a message is delivered to the subscribers of its topic', async () => {
      const topic = `topic-${gid}`;
      await server.subscribe(topic, bank.url('/in'), 'remark');
      const message = { transType: 'msg', steps: [{ action: `topic://${topic}` }], payloads: ['{"a":1}'] } as const;
      // Go dtm knows a topic a few seconds later
      await waitUntil(async () => {
        const attempt = await server.newGid();
        return server.submit({ ...message, gid: attempt, waitResult: true }).then(
          () => true,
          () => false,
        );
      });
      expect(bank.requests[0]!).toMatchObject({ path: '/in', body: '{"a":1}', query: { op: 'action' } });
      await expect(server.subscribe(topic, bank.url('/in'))).rejects.toThrow(/this url exists/);
      await server.unsubscribe(topic, bank.url('/in'));
      await expect(server.unsubscribe(topic, bank.url('/in'))).rejects.toThrow(DtmServerError);
      await server.deleteTopic(topic);
      await expect(server.deleteTopic(topic)).rejects.toThrow(DtmServerError);
    });

    it('an operation that the state does not allow is a failure', async () => {
      await server.prepare({ gid, transType: 'tcc' });
      const branch = {
        gid,
        transType: 'tcc',
        branchId: '01',
        confirm: bank.url('/c'),
        cancel: '',
        payload: '',
      } as const;
      await server.registerBranch(branch);
      await expect(server.registerBranch(branch)).rejects.toThrow(DtmServerError);
      await server.submit({ gid, transType: 'tcc', waitResult: true });
      await expect(server.prepare({ gid, transType: 'tcc' })).rejects.toThrow(DtmFailureError);
      await expect(server.submit({ gid, transType: 'tcc' })).rejects.toThrow(DtmFailureError);
      await expect(server.abort({ gid, transType: 'tcc' })).rejects.toThrow(DtmFailureError);
      await expect(server.registerBranch({ ...branch, branchId: '02' })).rejects.toThrow(DtmFailureError);
      await expect(server.forceStop(gid)).rejects.toThrow(DtmFailureError);
      await expect(server.registerBranch({ ...branch, gid: await server.newGid() })).rejects.toThrow(DtmFailureError);
    });

    it('an operation on an unknown gid is an error', async () => {
      expect(await server.query(gid)).toBeUndefined();
      await expect(server.forceStop(gid)).rejects.toThrow(DtmServerError);
      await expect(server.retryNow(gid)).rejects.toThrow(DtmServerError);
      await expect(server.abort({ gid, transType: 'tcc' })).rejects.toThrow(DtmServerError);
    });

    it('transactions are listed', async () => {
      await server.prepare({ gid, transType: 'tcc' });
      expect((await server.all({ gid })).transactions).toMatchObject([{ gid, transType: 'tcc', status: 'prepared' }]);
      expect(
        (await server.all({ status: 'prepared', transType: 'tcc', limit: 100 })).transactions.map((one) => one.gid),
      ).toContain(gid);
    });

    it('a waiting transaction can be retried now', async () => {
      bank.answer('/in', { status: 500, body: 'boom' }, {});
      await expect(saga().submit()).rejects.toThrow(DtmOngoingError);
      await server.retryNow(gid);
      if (running.at.embedded) await state('succeed');
      else await server.forceStop(gid);
    });

    it('the version is returned', async () => {
      expect(await server.version()).toMatch(/^v\d/);
    });
  });
}
