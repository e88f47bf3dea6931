import { join } from 'node:path';
import { sqliteStore } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { tempFolder } from '../../support/temp-folder.js';

const MINUTE = 60_000;
const REASON = 'confirm of branch 01 was refused 3 times: refused';

describe('a confirm that is refused', () => {
  it('needs attention from the third time on, and is reported once', async () => {
    const { server, clock, transport, find, logger } = await startCoordinator();
    transport.answer('01 confirm', FAILURE);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.submit(tccRequest('g'));
    await clock.advance(15_000);
    expect((await find('g')).transaction.attention).toBeUndefined();
    await clock.advance(20 * MINUTE);
    const { transaction, branches } = await find('g');
    expect(transaction).toMatchObject({
      status: 'submitted',
      attention: expect.stringMatching(/^confirm of branch 01 was refused \d+ times: refused$/),
    });
    expect(branches[1]).toMatchObject({
      op: 'confirm',
      failures: transport.calls.length,
      attempts: transport.calls.length,
    });
    const reports = logger.lines.filter(
      ({ level, message }) => level === 'error' && message === 'transaction needs attention',
    );
    expect(reports.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ gid: 'g', transType: 'tcc', status: 'submitted', attention: REASON }),
    ]);
  });

  it('is tried at the longest interval only, and goes on by itself once it is mended', async () => {
    const { server, clock, transport, find } = await startCoordinator({ maxRetryIntervalSeconds: 60 });
    transport.answer('01 confirm', FAILURE, FAILURE, FAILURE, FAILURE, SUCCESS).answer('02 confirm', UNKNOWN, SUCCESS);
    await server.prepare(tccRequest('g'));
    // confirmed in reverse order of registration
    await server.registerBranch(tccBranch('g', '02'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.submit(tccRequest('g'));
    await clock.advance(10 * MINUTE);
    const seconds = transport
      .timesOf('01 confirm')
      .map((time, index, all) => Math.round((time - (all[index - 1] ?? time)) / 1000));
    expect(seconds.map((pause) => (pause < 15 ? 'short' : pause < 30 ? 'double' : 'long'))).toEqual([
      'short',
      'short',
      'double',
      'long',
      'long',
    ]);
    const { transaction } = await find('g');
    expect(transaction.status).toBe('succeed');
    expect(transaction.attention).toBeUndefined();
    // the branch behind it begins anew
    const [first = 0, second = 0] = transport.timesOf('02 confirm');
    expect(second - first).toBeLessThan(15_000);
  });

  it('keeps its reason and its count over a restart', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const before = await startCoordinator({ store: sqliteStore({ path }), attentionAfterFailures: 1 });
    before.transport.answer('01 confirm', FAILURE);
    await before.server.prepare(tccRequest('g'));
    await before.server.registerBranch(tccBranch('g', '01'));
    await before.server.submit({ ...tccRequest('g'), waitResult: true }).catch(() => undefined);
    await before.server.close();

    const after = await startCoordinator({
      store: sqliteStore({ path }),
      attentionAfterFailures: 1,
      clock: before.clock,
    });
    expect((await after.find('g')).transaction.attention).toBe('confirm of branch 01 was refused 1 times: refused');
    await after.clock.advance(6 * MINUTE);
    expect(await after.show('g')).toBe('succeed: 01 cancel prepared, 01 confirm succeed');
    expect(after.logger.of('error')).toEqual([]);
  });
});

describe('what needs no attention', () => {
  it('an action that is refused: that is its answer', async () => {
    const { server, transport, clock, find, logger } = await startCoordinator({ attentionAfterFailures: 1 });
    transport.answer('01 action', FAILURE);
    await server.submit(sagaRequest('g'));
    await clock.advance(MINUTE);
    const { transaction } = await find('g');
    expect([transaction.status, transaction.attention]).toEqual(['failed', undefined]);
    expect(logger.of('error')).toEqual([]);
  });

  it('a compensation without an answer: nobody has refused it', async () => {
    const { server, transport, clock, find } = await startCoordinator({ attentionAfterFailures: 1 });
    transport.answer('01 action', FAILURE).answer('01 compensate', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await clock.advance(10 * MINUTE);
    const { transaction } = await find('g');
    expect([transaction.status, transaction.attention]).toEqual(['aborting', undefined]);
  });
});

describe('several compensations that are refused', () => {
  it('need attention until the last of them is mended', async () => {
    const { server, transport, clock, find } = await startCoordinator({
      attentionAfterFailures: 1,
      maxRetryIntervalSeconds: 60,
    });
    const customData = JSON.stringify({ concurrent: true });
    transport
      .answer('03 action', FAILURE)
      .answer('01 compensate', FAILURE, SUCCESS)
      .answer('02 compensate', FAILURE, FAILURE, SUCCESS);
    await server.submit(sagaRequest('g', 3, { customData }));
    await clock.advance(1000);
    expect((await find('g')).transaction.attention).toBe('compensate of branch 01 was refused 1 times: refused');
    await clock.advance(70_000);
    expect((await find('g')).transaction.attention).toBe('compensate of branch 02 was refused 2 times: refused');
    await clock.advance(70_000);
    expect((await find('g')).transaction).toMatchObject({ status: 'failed', attention: undefined });
  });
});

describe('over the API', () => {
  it('query shows attention, failures and the next time; all finds it', async () => {
    const dtm = await startHttpCoordinator({ attentionAfterFailures: 1 });
    dtm.transport.answer('01 action', FAILURE).answer('01 compensate', FAILURE);
    await dtm.server.submit(sagaRequest('stuck'));
    await dtm.server.submit(sagaRequest('other', 1, { gid: 'other' }));
    dtm.transport.answer('01 action', SUCCESS);
    await dtm.server.submit(sagaRequest('fine'));
    await dtm.clock.advance(1000);
    const { transaction, branches } = JSON.parse((await dtm.get('query?gid=stuck')).body);
    expect(transaction.attention).toBe('compensate of branch 01 was refused 1 times: refused');
    expect(branches[0]).toMatchObject({
      op: 'compensate',
      attempts: 1,
      failures: 1,
      last_error: 'refused',
      next_time: transaction.next_cron_time,
    });
    expect(branches[1]).not.toHaveProperty('next_time');
    const listed = JSON.parse((await dtm.get('all?attention=true')).body).transactions;
    expect(listed.map(({ gid }: { gid: string }) => gid)).toEqual(['other', 'stuck']);
  });
});
