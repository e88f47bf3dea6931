import { sqliteStore } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator, type CoordinatorFixture } from '../../support/coordinator.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;

async function submitTcc({ server }: Pick<CoordinatorFixture, 'server'>, ...branchIds: string[]): Promise<void> {
  await server.prepare(tccRequest('g'));
  for (const id of branchIds) await server.registerBranch(tccBranch('g', id));
  await server.submit(tccRequest('g'));
  await settled();
}

const refused = (what: string): string =>
  `${what}; correct it and call resetNextCronTime, or end the transaction by forceStop`;

const pauses = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => (time - times[index]!) / SECOND);

const errorsOf = ({ logger }: CoordinatorFixture) => logger.lines.filter(({ level }) => level === 'error');

describe('a transaction with a branch that keeps failing where it must not', () => {
  it('needs attention from the third failure on, with the reason, and is reported once', async () => {
    const fixture = await startCoordinator();
    fixture.transport.answer('01 confirm', FAILURE);
    await submitTcc(fixture, '01');
    await fixture.clock.advance(15 * SECOND);
    expect((await fixture.find('g')).transaction.attention).toBeUndefined();
    expect(errorsOf(fixture)).toEqual([]);
    await fixture.clock.advance(20 * SECOND);
    const attention = refused('confirm of branch 01 was refused 3 times: refused');
    expect((await fixture.find('g')).transaction.attention).toBe(attention);
    await fixture.clock.advance(30 * MINUTE);
    expect(errorsOf(fixture)).toEqual([
      {
        level: 'error',
        message: 'transaction needs attention',
        fields: { gid: 'g', transType: 'tcc', branchId: '01', op: 'confirm', status: 'submitted', attention },
      },
    ]);
    const { transaction, branches } = await fixture.find('g');
    expect(transaction.attention).toBe(
      refused(`confirm of branch 01 was refused ${branches[1]!.failures} times: refused`),
    );
  });

  it('needs attention after as many failures as the settings say', async () => {
    const fixture = await startCoordinator({ attentionAfterFailures: 1 });
    fixture.transport.answer('01 confirm', FAILURE);
    await submitTcc(fixture, '01');
    expect((await fixture.find('g')).transaction.attention).toMatch(/refused 1 times/);
    await fixture.clock.advance(299 * SECOND);
    expect(fixture.transport.calls).toHaveLength(1);
  });

  it.each([ONGOING, UNKNOWN])('does not need attention because of undecided answers: %j', async (outcome) => {
    const fixture = await startCoordinator({ maxRetryIntervalSeconds: 20 });
    fixture.transport.answer('01 confirm', FAILURE, outcome, FAILURE, outcome);
    await submitTcc(fixture, '01');
    await fixture.clock.advance(30 * MINUTE);
    const { transaction, branches } = await fixture.find('g');
    expect(transaction.attention).toBeUndefined();
    expect(branches[1]).toMatchObject({ failures: 2 });
  });

  it.each([
    ['message', '01 action', { gid: 'g', transType: 'msg', steps: [{ action: 'http://b/a1' }], payloads: ['1'] }],
    ['saga', '01 action', sagaRequest('g')],
  ] as const)('is a %s whose action gets an answer that waiting does not change', async (_mode, call, request) => {
    const fixture = await startCoordinator();
    fixture.transport.answer(call, { kind: 'unknown', message: 'status 404: no such path', definite: true });
    await fixture.server.submit(request);
    await fixture.clock.advance(MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({
      status: 'submitted',
      attention: refused('action of branch 01 was refused 3 times: status 404: no such path'),
    });
    fixture.transport.answer(call, SUCCESS);
    await fixture.clock.advance(6 * MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'succeed', attention: undefined });
  });

  it('is each of many whose target refuses, although its circuit breaker is open', async () => {
    const fixture = await startCoordinator();
    const gids = Array.from({ length: 20 }, (_, index) => `g${index}`);
    const message = 'no answer: getaddrinfo ENOTFOUND bank';
    fixture.transport.answer('01 action', { kind: 'unknown', message, unreachable: true, definite: true });
    for (const gid of gids) await fixture.server.submit(sagaRequest(gid));
    await fixture.clock.advance(4 * MINUTE);
    for (const gid of gids) {
      const { transaction, branches } = await fixture.find(gid);
      expect(transaction.attention).toMatch(/^action of branch 01 was refused \d+ times: .*ENOTFOUND/);
      expect(branches[1]!.attempts ?? 0).toBeLessThanOrEqual(1);
    }
    fixture.transport.answer('01 action', SUCCESS);
    await fixture.clock.advance(5 * SECOND);
    for (const gid of gids) {
      expect((await fixture.find(gid)).transaction).toMatchObject({ status: 'succeed', attention: undefined });
    }
  });

  it('is a message whose query-back gets such an answer', async () => {
    const fixture = await startCoordinator();
    fixture.transport.answer('00 msg', { kind: 'unknown', message: 'status 404: no such path', definite: true });
    await fixture.server.prepare({ gid: 'g', transType: 'msg', queryPrepared: 'http://b/query' });
    await fixture.clock.advance(2 * MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({
      status: 'prepared',
      attention: refused('query_prepared was refused 3 times: status 404: no such path'),
    });
    fixture.transport.answer('00 msg', FAILURE);
    await fixture.clock.advance(6 * MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'failed', attention: undefined });
  });

  it('needs it no more for an action once it is rolled back', async () => {
    const fixture = await startCoordinator({ attentionAfterFailures: 1 });
    fixture.transport.answer('01 action', { kind: 'unknown', message: 'status 404', definite: true });
    fixture.transport.answer('01 compensate', UNKNOWN, SUCCESS);
    await fixture.server.submit(sagaRequest('g', 1, { timeoutToFailSeconds: 20 }));
    await fixture.clock.advance(22 * SECOND);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'aborting', attention: undefined });
    await fixture.clock.advance(15 * SECOND);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'failed', attention: undefined });
  });

  it('does not need attention because of a failed action, which decides the transaction', async () => {
    const fixture = await startCoordinator({ attentionAfterFailures: 1 });
    fixture.transport.answer('01 action', FAILURE);
    await fixture.server.submit(sagaRequest('g'));
    await settled();
    const { transaction } = await fixture.find('g');
    expect([transaction.status, transaction.attention]).toEqual(['failed', undefined]);
  });

  it('is retried only at the longest interval, and continues once the branch is repaired', async () => {
    const fixture = await startCoordinator();
    // the last registered branch is confirmed first
    fixture.transport.answer('02 confirm', FAILURE, FAILURE, FAILURE, FAILURE, SUCCESS);
    fixture.transport.answer('01 confirm', UNKNOWN, UNKNOWN, SUCCESS);
    await submitTcc(fixture, '01', '02');
    await fixture.clock.advance(30 * MINUTE);
    const refusals = pauses(fixture.transport.timesOf('02 confirm'));
    expect(refusals.map((pause) => (pause >= 300 ? 300 : Math.floor(pause / 10) * 10))).toEqual([10, 20, 300, 300]);
    // the next branch does not inherit the long interval
    const others = pauses(fixture.transport.timesOf('01 confirm'));
    expect(others[0]).toBeLessThanOrEqual(12);
    expect(others[1]).toBeLessThanOrEqual(23);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'succeed', attention: undefined });
  });

  it('needs no attention after the branch has succeeded, and again when another branch fails', async () => {
    const fixture = await startCoordinator();
    const [refuse, mended] = [
      [FAILURE, FAILURE, FAILURE, SUCCESS],
      [FAILURE, FAILURE, FAILURE, FAILURE, SUCCESS],
    ];
    fixture.transport.answer('02 confirm', ...refuse).answer('01 confirm', ...mended);
    await submitTcc(fixture, '01', '02');
    const seen = new Set<string | undefined>();
    for (let second = 0; second < 1500; second += 5) {
      await fixture.clock.advance(5 * SECOND);
      seen.add((await fixture.find('g')).transaction.attention);
    }
    expect([...seen]).toEqual([
      undefined,
      refused('confirm of branch 02 was refused 3 times: refused'),
      refused('confirm of branch 01 was refused 3 times: refused'),
      refused('confirm of branch 01 was refused 4 times: refused'),
    ]);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'succeed', attention: undefined });
    expect(errorsOf(fixture)).toHaveLength(2);
  });

  it('names the other branch while two branches fail', async () => {
    const fixture = await startCoordinator();
    fixture.transport.answer('01 action', FAILURE, FAILURE, FAILURE, SUCCESS).answer('02 action', FAILURE);
    await fixture.server.submit({
      gid: 'g',
      transType: 'msg',
      concurrent: true,
      steps: [{ action: 'http://b/a1' }, { action: 'http://b/a2' }],
      payloads: ['1', '2'],
    });
    await fixture.clock.advance(MINUTE);
    expect((await fixture.find('g')).transaction.attention).toBe(
      refused('action of branch 01 was refused 3 times: refused'),
    );
    await fixture.clock.advance(6 * MINUTE);
    expect((await fixture.find('g')).transaction.attention).toBe(
      refused('action of branch 02 was refused 4 times: refused'),
    );
    expect(errorsOf(fixture)).toHaveLength(1);
  });

  it('can be a transaction that is being rolled back', async () => {
    const fixture = await startCoordinator();
    fixture.transport.answer('02 action', FAILURE).answer('01 compensate', FAILURE);
    await fixture.server.submit(sagaRequest('g', 2));
    await fixture.clock.advance(MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({
      status: 'aborting',
      attention: refused('compensate of branch 01 was refused 3 times: refused'),
    });
    fixture.transport.answer('01 compensate', SUCCESS);
    await fixture.clock.advance(6 * MINUTE);
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'failed', attention: undefined });
  });

  it('needs no attention after a forced stop', async () => {
    const fixture = await startCoordinator();
    fixture.transport.answer('01 confirm', FAILURE);
    await submitTcc(fixture, '01');
    await fixture.clock.advance(MINUTE);
    await fixture.server.forceStop('g');
    expect((await fixture.find('g')).transaction).toMatchObject({ status: 'failed', attention: undefined });
    expect((await fixture.server.all({ attention: true })).transactions).toEqual([]);
  });

  it('is found by query and all, with the time of the next attempt, and retried at once by resetNextCronTime', async () => {
    const dtm = await startHttpCoordinator();
    dtm.transport.answer('01 confirm', FAILURE);
    await submitTcc(dtm, '01');
    await dtm.server.submit(sagaRequest('other'));
    await dtm.clock.advance(MINUTE);
    const page = JSON.parse((await dtm.get('all?attention=true')).body) as { transactions: object[] };
    expect(page.transactions).toMatchObject([
      { gid: 'g', attention: refused('confirm of branch 01 was refused 3 times: refused') },
    ]);
    const shown = JSON.parse((await dtm.get('query?gid=g')).body) as {
      transaction: { attention: string; next_cron_time: string };
      branches: Record<string, unknown>[];
    };
    expect(shown.transaction.attention).toBe(refused('confirm of branch 01 was refused 3 times: refused'));
    expect(shown.branches[1]).toMatchObject({
      op: 'confirm',
      attempts: 3,
      failures: 3,
      last_error: 'refused',
      next_time: shown.transaction.next_cron_time,
    });
    // the branch was not called and will not be
    expect(shown.branches[0]).not.toHaveProperty('next_time');
    expect(Date.parse(shown.transaction.next_cron_time)).toBeGreaterThan(dtm.clock.now() + 250 * SECOND);
    dtm.transport.answer('01 confirm', SUCCESS);
    await dtm.post('resetNextCronTime', { gid: 'g' });
    await settled();
    const after = JSON.parse((await dtm.get('query?gid=g')).body) as typeof shown;
    expect(after.transaction).toMatchObject({ status: 'succeed' });
    expect(after.transaction).not.toHaveProperty('attention');
    expect(after.branches[1]).not.toHaveProperty('next_time');
    expect((await dtm.get('all?attention=true')).body).toBe('{"next_position":"","transactions":[]}');
  });

  it('still needs attention after a restart, without a second report', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await startCoordinator({ store: sqliteStore({ path }) });
    first.transport.answer('01 confirm', FAILURE);
    await submitTcc(first, '01');
    await first.clock.advance(MINUTE);
    await first.server.close();
    const second = await startCoordinator({ store: sqliteStore({ path }), clock: first.clock });
    second.transport.answer('01 confirm', FAILURE, SUCCESS);
    expect((await second.server.all({ attention: true })).transactions).toHaveLength(1);
    await second.clock.advance(200 * SECOND);
    expect(second.transport.calls).toEqual([]);
    await second.clock.advance(150 * SECOND);
    expect((await second.find('g')).transaction.attention).toBe(
      refused('confirm of branch 01 was refused 4 times: refused'),
    );
    expect(errorsOf(second)).toEqual([]);
    await second.clock.advance(6 * MINUTE);
    expect((await second.find('g')).transaction).toMatchObject({ status: 'succeed', attention: undefined });
  });
});
