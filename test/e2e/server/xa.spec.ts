import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SUCCESS_ANSWER, failure, refusal, startHttpCoordinator } from '../../support/http-coordinator.js';
import { Participant } from '../../support/participant.js';
import { post } from '../../support/http-client.js';
import { RecordingLogger } from '../../support/recording-logger.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const XA = { gid: 'g', trans_type: 'xa' };

/** A coordinator and a participant that talk over sockets. */
async function onSockets() {
  const participant = await Participant.start();
  const server = embeddedServer({ store: memoryStore(), logger: new RecordingLogger(), listen: { port: 0 } });
  onTestFinished(() => server.close());
  await server.open();
  const answer = async (operation: string, body: object): Promise<string> => {
    const { status, body: text } = await post(`${server.address!}/${operation}`, body);
    return `${status} ${text}`;
  };
  return { participant, answer };
}

describe('an XA transaction', () => {
  it.each([
    ['submit', 'commit'],
    ['abort', 'rollback'],
  ])('on %s has its branches called with %s, in order, by a POST without a body', async (call, op) => {
    const { participant, answer } = await onSockets();
    expect(await answer('prepare', XA)).toBe(SUCCESS_ANSWER);
    for (const branch_id of ['01', '02']) {
      expect(await answer('registerXaBranch', { ...XA, branch_id, url: participant.url('/xa?x=1') })).toBe(
        SUCCESS_ANSWER,
      );
    }
    expect(await answer(call, { ...XA, wait_result: true })).toBe(SUCCESS_ANSWER);
    expect(participant.requests.map(({ method, search, body }) => [method, search, body])).toEqual([
      ['POST', `x=1&branch_id=01&gid=g&op=${op}&trans_type=xa`, ''],
      ['POST', `x=1&branch_id=02&gid=g&op=${op}&trans_type=xa`, ''],
    ]);
  });

  it('that is rolled back accepts no more branches', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', XA);
    await dtm.post('abort', { ...XA, wait_result: true });
    expect(await dtm.answer('registerBranch', { ...XA, branch_id: '01', url: 'http://b/x' })).toBe(
      refusal('no trans with gid: g status: prepared found'),
    );
  });

  it('accepts a branch once, none of another mode, and none without a URL', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', XA);
    const branch = { ...XA, branch_id: '01', url: 'http://b/x' };
    expect(await dtm.answer('registerBranch', branch)).toBe(SUCCESS_ANSWER);
    expect(await dtm.answer('registerBranch', branch)).toBe(
      failure('storage: UniqueKeyConflict: branch 01 is registered already'),
    );
    expect((await dtm.post('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: '02' })).status).toBe(409);
    expect((await dtm.post('registerBranch', { ...branch, branch_id: '02', url: '' })).status).toBe(500);
    expect(await dtm.show('g')).toBe('prepared: 01 rollback prepared, 01 commit prepared');
  });

  it.each(['saga', 'tcc', 'msg', 'workflow'])('cannot be aborted as a %s', async (transType) => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', XA);
    expect(await dtm.answer('abort', { gid: 'g', trans_type: transType })).toBe(
      refusal("trans type: 'xa' current status 'prepared', cannot abort."),
    );
  });

  it('whose initiator dies is rolled back at its time-out', async () => {
    const dtm = await startHttpCoordinator();
    await dtm.post('prepare', XA);
    await dtm.post('registerBranch', { ...XA, branch_id: '01', url: 'http://b/x' });
    await dtm.clock.advance(37_000);
    expect(await dtm.show('g')).toBe('failed: 01 rollback succeed, 01 commit prepared');
  });
});
