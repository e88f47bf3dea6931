import { Saga, dtmHttpClient, httpTransport, nestedTcc, runTcc, type InitiatorDependencies } from 'nestjs-dtm/client';
import {
  DtmBranchError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  readBranchQuery,
  type DtmConnection,
} from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Participant } from '../../support/participant.js';
import { RecordingLogger } from '../../support/recording-logger.js';

// what hangs fails soon
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

/** A coordinator that listens, as initiators in this process and in others see it. */
async function startServer(isRemote: boolean): Promise<DtmConnection> {
  const embedded = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen: { port: 0 } });
  await embedded.open();
  embedded.recover();
  onTestFinished(() => embedded.close());
  if (!isRemote) return embedded;
  const remote = dtmHttpClient(embedded.address!);
  onTestFinished(() => remote.close());
  return remote;
}

const step = (participant: Participant, name: string) => ({
  action: participant.url(`/${name}`),
  compensate: participant.url(`/undo-${name}`),
});

const tccUrls = (participant: Participant, name: string) => ({
  try: participant.url(`/${name}/try`),
  confirm: participant.url(`/${name}/confirm`),
  cancel: participant.url(`/${name}/cancel`),
});

describe.each([
  ['in the same process', false],
  ['over HTTP', true],
])('a coordinator %s', (_, isRemote) => {
  let server: DtmConnection;
  let bank: Participant;
  let tcc: InitiatorDependencies;

  beforeEach(async () => {
    server = await startServer(isRemote);
    bank = await Participant.start();
    const transport = httpTransport();
    onTestFinished(() => transport.close());
    tcc = { api: server, transport };
  });

  describe('runs a saga', () => {
    it('by calling its actions the way dtm does', async () => {
      const gid = await new Saga({ api: server }, { waitResult: true, branchHeaders: { 'x-tenant': 't1' } })
        .add({ ...step(bank, 'out'), action: bank.url('/out?x=1') }, { amount: 30 })
        .add(step(bank, 'in'))
        .submit();
      const [out, into] = bank.requests;
      expect(out).toMatchObject({ method: 'POST', path: '/out', body: '{"amount":30}' });
      expect(out!.search).toBe(`x=1&branch_id=01&gid=${gid}&op=action&trans_type=saga`);
      expect(out!.headers).toMatchObject({
        'content-type': 'application/json',
        accept: 'application/json',
        'x-tenant': 't1',
      });
      expect(into).toMatchObject({
        method: 'GET',
        path: '/in',
        search: `branch_id=02&gid=${gid}&op=action&trans_type=saga`,
        body: '',
      });
      expect((await server.query(gid))?.transaction).toMatchObject({ status: 'succeed', transType: 'saga' });
    });

    it('rolls it back with the same payloads when an action fails, and reports why', async () => {
      bank.answer('/in', { status: 409, body: '{"message":"account closed"}' });
      const submit = new Saga({ api: server }, { gid: 'g', waitResult: true })
        .add(step(bank, 'out'), 1)
        .add(step(bank, 'in'), 2)
        .submit();
      const error = await submit.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DtmFailureError);
      expect(error).toMatchObject({
        gid: 'g',
        message: 'transaction g was rolled back (action of branch 02): account closed',
        reason: 'account closed',
        branch: { branchId: '02', op: 'action', url: bank.url('/in') },
      });
      expect(bank.lines).toEqual(['POST /out', 'POST /in', 'POST /undo-in', 'POST /undo-out']);
      expect(bank.to('/undo-out')[0]).toMatchObject({
        body: '1',
        query: { branch_id: '01', op: 'compensate', gid: 'g' },
      });
    });

    it.each([
      ['an ongoing answer', { status: 425, body: '' }],
      ['the word in a success', { status: 200, body: '{"dtm_result":"ONGOING"}' }],
      ['another status than 200', { status: 201, body: '{"dtm_result":"SUCCESS"}' }],
      ['an error', { status: 500, body: 'boom' }],
    ])('that is not finished because of %s', async (__, reply) => {
      bank.answer('/out', reply);
      const submit = new Saga({ api: server }, { gid: 'g', waitResult: true }).add(step(bank, 'out'), 1).submit();
      const error = await submit.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DtmOngoingError);
      expect(error).toMatchObject({
        gid: 'g',
        message: expect.stringMatching(
          /^transaction g is not finished \(action of branch 01\).*; next attempt at \d{4}-/,
        ),
      });
      expect((await server.query('g'))?.transaction.status).toBe('submitted');
    });

    it('whose branch says FAILURE in a success is rolled back', async () => {
      bank.answer('/out', { status: 200, body: '{"dtm_result":"FAILURE"}' });
      await expect(
        new Saga({ api: server }, { gid: 'g', waitResult: true }).add(step(bank, 'out'), 1).submit(),
      ).rejects.toThrow(DtmFailureError);
    });

    it('concurrently, in the order of order()', async () => {
      await new Saga({ api: server }, { gid: 'g', concurrent: true, waitResult: true })
        .add(step(bank, 'a'))
        .add(step(bank, 'b'))
        .add(step(bank, 'c'))
        .order(0, [1, 2])
        .submit();
      expect(bank.lines.at(-1)).toBe('GET /a');
      expect(bank.lines.slice(0, 2).toSorted()).toEqual(['GET /b', 'GET /c']);
    });

    it('once for repeated submits', async () => {
      const saga = new Saga({ api: server }, { gid: 'g', waitResult: true }).add(step(bank, 'out'));
      expect([await saga.submit(), await saga.submit(), await saga.submit({ waitResult: false })]).toEqual([
        'g',
        'g',
        'g',
      ]);
      expect(bank.lines).toEqual(['GET /out']);
    });
  });

  describe('runs a TCC', () => {
    it('by registering each branch before its try, and confirming in reverse order', async () => {
      bank.answer('/out/try', { body: '{"frozen":30}' });
      const result = await runTcc(
        tcc,
        async (transaction) => {
          const frozen = await transaction.call<{ frozen: number }>(tccUrls(bank, 'out'), { amount: 30 });
          await transaction.call(tccUrls(bank, 'in'), { amount: 30 });
          return frozen;
        },
        { gid: 'g', waitResult: true },
      );
      expect(result).toEqual({ frozen: 30 });
      expect(bank.lines).toEqual(['POST /out/try', 'POST /in/try', 'POST /in/confirm', 'POST /out/confirm']);
      expect(bank.to('/out/try')[0]!.query).toEqual({
        branch_id: '01',
        gid: 'g',
        op: 'try',
        trans_type: 'tcc',
      });
      expect(bank.to('/out/confirm')[0]).toMatchObject({
        body: '{"amount":30}',
        search: 'branch_id=01&gid=g&op=confirm&trans_type=tcc',
      });
      expect((await server.query('g'))?.transaction.status).toBe('succeed');
    });

    it.each([
      [{ status: 409, body: '{"message":"no stock"}' }, DtmFailureError, 'no stock'],
      [{ status: 425, body: '' }, DtmOngoingError, /is not decided yet/],
      [{ status: 500, body: 'boom' }, DtmBranchError, /status 500: boom/],
    ])('and cancels it when a try answers %j', async (reply, type, message) => {
      bank.answer('/in/try', reply);
      const running = runTcc(
        tcc,
        async (transaction) => {
          await transaction.call(tccUrls(bank, 'out'), 1);
          await transaction.call(tccUrls(bank, 'in'), 2);
        },
        { gid: 'g' },
      );
      const error = await running.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(type);
      expect((error as Error).message).toMatch(message);
      await bank.received(4);
      expect(bank.lines).toEqual(['POST /out/try', 'POST /in/try', 'POST /in/cancel', 'POST /out/cancel']);
      expect((await server.query('g'))?.transaction.rollbackReason).toBe((error as Error).message);
    });

    it('with branches inside a branch, all of which share its end', async () => {
      bank.answer('/out/try', async ({ query }) => {
        await nestedTcc(tcc, readBranchQuery(query)).call(tccUrls(bank, 'fee'), 1);
        return {};
      });
      await runTcc(tcc, (transaction) => transaction.call(tccUrls(bank, 'out'), 30), { gid: 'g', waitResult: true });
      expect(bank.lines).toEqual(['POST /out/try', 'POST /fee/try', 'POST /fee/confirm', 'POST /out/confirm']);
      expect(bank.to('/fee/confirm')[0]!.query).toMatchObject({ branch_id: '0101', gid: 'g' });
    });

    it('and refuses a branch when it was aborted meanwhile: its try is not called', async () => {
      const running = runTcc(
        tcc,
        async (transaction) => {
          await server.abort({ gid: 'g', transType: 'tcc', rollbackReason: 'from outside' });
          await transaction.call(tccUrls(bank, 'out'));
        },
        { gid: 'g', onAbortFailed: () => undefined },
      );
      await expect(running).rejects.toThrow('no trans with gid: g status: prepared found');
      expect(bank.lines).toEqual([]);
    });

    it('and reports to the initiator when it was rolled back before the submit', async () => {
      const running = runTcc(tcc, () => server.abort({ gid: 'g', transType: 'tcc' }), { gid: 'g' });
      await expect(running).rejects.toThrow(DtmFailureError);
    });
  });

  it('answers with the same errors, called directly or over HTTP', async () => {
    expect(await server.newGid()).toMatch(/^\w{18,22}$/);
    expect(await server.version()).toMatch(/^v\d/);
    expect(await server.query('nope')).toBeUndefined();
    await expect(server.query('')).rejects.toThrow(/no gid specified/);
    await expect(server.forceStop('nope')).rejects.toThrow(DtmServerError);
    await expect(server.abort({ gid: 'nope', transType: 'tcc' })).rejects.toThrow(
      /no TransGlobal with gid: nope found/,
    );
    await server.prepare({ gid: 'g', transType: 'tcc' });
    await expect(server.abort({ gid: 'g', transType: 'saga' })).rejects.toThrow(DtmFailureError);
    await expect(server.all({ limit: 0.5 })).rejects.toThrow(/limit must be a whole number/);
    await expect(server.all({ limit: -1 })).rejects.toThrow(/-1/);
    const page = await server.all({ transType: 'tcc', limit: 1 });
    expect(page.transactions.map(({ gid }) => gid)).toEqual(['g']);
    expect(await server.all({ position: page.nextPosition, limit: 1 })).toEqual({ transactions: [], nextPosition: '' });
  });
});
