import type { Outcome } from 'nestjs-dtm/protocol';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { post } from '../../support/http-client.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const MINUTE = 60_000;
const REFUSED: Outcome = { kind: 'failure', message: 'too large', notExecuted: true };

describe('a saga whose payload every operation of a branch refuses before it is executed', () => {
  it('ends in its first pass', async () => {
    const { server, transport, show } = await startCoordinator();
    transport.answer('01 action', REFUSED).answer('01 compensate', REFUSED);
    await server.submit(sagaRequest('g'));
    await settled();
    expect(await show('g')).toMatch(/^failed: 01 compensate succeed, 01 action failed/);
    expect(transport.calls.map(({ key }) => key)).toEqual(['01 action', '01 compensate']);
  });

  it('ends in its first pass after a prepare, too', async () => {
    const { server, transport, show } = await startCoordinator();
    transport.answer('01 action', REFUSED).answer('01 compensate', REFUSED);
    await server.prepare(sagaRequest('g'));
    await server.submit(sagaRequest('g'));
    await settled();
    expect(await show('g')).toMatch(/^failed: 01 compensate succeed, 01 action failed/);
  });

  it('needs attention when an earlier attempt may have been executed', async () => {
    const { server, transport, clock, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN, REFUSED).answer('01 compensate', REFUSED);
    await server.submit(sagaRequest('g'));
    await settled();
    await clock.advance(10 * MINUTE);
    const { transaction, branches } = await find('g');
    expect([transaction.status, branches[0]!.status]).toEqual(['aborting', 'prepared']);
    expect(transaction.attention).toMatch(/^compensate of branch 01 was refused \d+ times: too large/);
  });

  it('needs attention when its pass has lost the lease meanwhile: another process may have called the action', async () => {
    const { server, transport, clock, find } = await startCoordinator();
    const held = transport.hold('01 action');
    transport.answer('01 compensate', REFUSED);
    await server.submit(sagaRequest('g'));
    await held.arrived;
    const { owner } = (await find('g')).transaction;
    await clock.advance(20_000);
    expect((await find('g')).transaction.owner).not.toBe(owner);
    held.answer(REFUSED);
    await clock.advance(10 * MINUTE);
    const { transaction, branches } = await find('g');
    expect([transaction.status, branches[0]!.status]).toEqual(['aborting', 'prepared']);
    expect(transaction.attention).toMatch(/^compensate of branch 01 was refused/);
  });

  it('needs attention when the coordinator stopped before it had stored the attempt', async () => {
    const first = await startCoordinator();
    const held = first.transport.hold('01 action');
    await first.server.submit(sagaRequest('g'));
    await held.arrived;
    // what a process that dies leaves: the lease, and no attempt
    const left = await first.find('g');
    held.answer(SUCCESS);
    await first.server.close();

    const second = await startCoordinator();
    await second.store.create(left);
    second.transport.answer('01 action', REFUSED).answer('01 compensate', REFUSED);
    await second.clock.advance(10 * MINUTE);
    const { transaction, branches } = await second.find('g');
    expect([transaction.status, branches[0]!.status]).toEqual(['aborting', 'prepared']);
    expect(transaction.attention).toMatch(/^compensate of branch 01 was refused/);
  });
});

describe('a TCC whose try was refused before it was executed', () => {
  const prepare = async () => {
    const dtm = await startHttpCoordinator();
    dtm.transport.answer('01 cancel', REFUSED);
    await dtm.server.prepare(tccRequest('g'));
    await dtm.server.registerBranch(tccBranch('g', '01'));
    return dtm;
  };
  const ABORT = { gid: 'g', trans_type: 'tcc' };

  it.each([
    ['HTTP', 'abort', (params: object) => params],
    ['JSON-RPC', '../json-rpc', (params: object) => ({ jsonrpc: '2.0', id: '1', method: 'abort', params })],
  ])('ends when its initiator says so in the abort over %s', async (_, path, body) => {
    const dtm = await prepare();
    const request = { ...ABORT, req_extra: { not_executed: '["01"]' } };
    expect((await post(new URL(path, `${dtm.base}/`).href, body(request))).status).toBe(200);
    await settled();
    expect(await dtm.show('g')).toMatch(/^failed: 01 cancel succeed/);
  });

  it('is called again when its initiator says nothing, and when the abort names another branch', async () => {
    for (const extra of [{}, { req_extra: { not_executed: '["02"]' } }]) {
      const dtm = await prepare();
      await dtm.post('abort', { ...ABORT, ...extra });
      await settled();
      expect(await dtm.show('g')).toMatch(/^aborting: 01 cancel prepared/);
    }
  });

  it('is not aborted by a list that is no JSON', async () => {
    const dtm = await prepare();
    const answer = await dtm.answer('abort', { ...ABORT, req_extra: { not_executed: '01,' } });
    expect(answer).toMatch(/^500 .*req_extra.not_executed is not JSON/);
    expect(await dtm.show('g')).toMatch(/^prepared/);
  });
});
