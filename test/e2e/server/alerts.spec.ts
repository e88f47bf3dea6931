import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, type EmbeddedServerOptions } from 'nestjs-dtm/server';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { deferred } from '../../support/deferred.js';
import { HostsTransport, NO_ANSWER } from '../../support/hosts-transport.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { Participant, type Reply } from '../../support/participant.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { VirtualClock, settled } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SECOND = 1000;
const MINUTE = 60 * SECOND;

async function start(options: EmbeddedServerOptions = {}) {
  const webhook = await Participant.start();
  const fixture = await startCoordinator({ alertWebhook: webhook.url('/alert'), ...options } as Parameters<
    typeof startCoordinator
  >[0]);
  return { ...fixture, webhook, alerts: () => webhook.requests.map(({ body }) => JSON.parse(body) as unknown) };
}

describe('the alert webhook', () => {
  it('receives each failed attempt of a branch from the third on', async () => {
    const { server, clock, transport, webhook, alerts } = await start();
    transport.answer('01 action', UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await clock.advance(35 * SECOND);
    await webhook.received(1);
    await clock.advance(5 * MINUTE);
    await webhook.received(2);
    await clock.advance(5 * MINUTE);
    expect(transport.timesOf('01 action')).toHaveLength(5);
    expect(webhook.requests.map(({ body }) => body)).toEqual([
      '{"branch":"http://b/a1","error":"status 500: boom","gid":"g","retry_count":3,"status":"submitted"}',
      '{"branch":"http://b/a1","error":"status 500: boom","gid":"g","retry_count":4,"status":"submitted"}',
    ]);
    expect(webhook.requests[0]).toMatchObject({
      method: 'POST',
      path: '/alert',
      headers: { 'content-type': 'application/json' },
    });
    expect(alerts()).toHaveLength(2);
  });

  it('receives failed attempts from the number on that the settings say', async () => {
    const { server, transport, webhook } = await start({ alertRetryLimit: 1 });
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await webhook.received(1);
    expect(JSON.parse(webhook.requests[0]!.body)).toMatchObject({ retry_count: 1 });
  });

  it('receives failures of operations that must not fail', async () => {
    const { server, transport, webhook, alerts } = await start({ alertRetryLimit: 1 });
    transport.answer('01 cancel', FAILURE);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.abort(tccRequest('g'));
    await webhook.received(1);
    expect(alerts()).toEqual([
      { branch: 'http://b/cancel01', error: 'refused', gid: 'g', retry_count: 1, status: 'aborting' },
    ]);
  });

  it('does not receive ongoing, failed or successful branches', async () => {
    const { server, clock, transport, webhook } = await start({ alertRetryLimit: 1 });
    transport.answer('01 action', ONGOING, ONGOING, FAILURE);
    await server.submit(sagaRequest('g'));
    await server.submit(sagaRequest('h', 0));
    await clock.advance(MINUTE);
    expect((await server.query('g'))?.transaction.status).toBe('failed');
    await server.close();
    expect(webhook.requests).toEqual([]);
  });

  it('does not receive failed calls of initiators, neither of messages nor of workflows', async () => {
    const webhook = await Participant.start();
    const dtm = await startHttpCoordinator({ alertWebhook: webhook.url('/alert'), alertRetryLimit: 1 });
    dtm.transport.answer('00 msg', UNKNOWN).answer('00 transfer', UNKNOWN);
    await dtm.post('prepare', {
      gid: 'msg',
      trans_type: 'msg',
      query_prepared: 'http://b/q',
      steps: [{ action: 'http://b/a' }],
      payloads: [''],
    });
    await dtm.post('prepareWorkflow', {
      gid: 'workflow',
      trans_type: 'workflow',
      query_prepared: 'http://b/w',
      custom_data: '{"name":"transfer","data":""}',
    });
    await dtm.clock.advance(5 * MINUTE);
    expect(dtm.transport.timesOf('00 msg').length).toBeGreaterThanOrEqual(3);
    expect(dtm.transport.timesOf('00 transfer').length).toBeGreaterThanOrEqual(3);
    await dtm.server.close();
    expect(webhook.requests).toEqual([]);
  });

  it('receives the attempt that opens the circuit breaker, because there is no later attempt', async () => {
    const clock = new VirtualClock();
    const transport = new HostsTransport(clock);
    const { server, webhook, alerts } = await start({ clock, transport });
    transport.stopHost('b');
    for (const gid of ['g1', 'g2', 'g3', 'g4', 'g5', 'g6']) {
      await server.submit(sagaRequest(gid));
      await settled();
    }
    await clock.advance(MINUTE);
    await webhook.received(1);
    await server.close();
    expect(alerts()).toEqual([
      { branch: 'http://b/a1', error: 'no answer: refused', gid: 'g5', retry_count: 1, status: 'submitted' },
    ]);
  });

  it('receives no passwords', async () => {
    const { server, transport, webhook, logger } = await start({ alertRetryLimit: 1 });
    transport.answer('01 action', { kind: 'unknown', message: 'not at http://me:secret@b/a' });
    await server.submit(sagaRequest('g', 1, { steps: [{ action: 'http://me:secret@b/a' }] }));
    await webhook.received(1);
    expect(JSON.parse(webhook.requests[0]!.body)).toMatchObject({
      branch: 'http://***@b/a',
      error: 'not at http://***@b/a',
    });
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
  });
});

describe('a webhook', () => {
  it.each<[string, Reply, string]>([
    ['that refuses', { status: 500 }, 'Error: the webhook answered 500'],
    ['that is not there', { status: 404 }, 'Error: the webhook answered 404'],
  ])('%s is reported, and the transaction goes on', async (_, reply, error) => {
    const { server, clock, transport, webhook, logger, find } = await start({ alertRetryLimit: 1 });
    webhook.answer('/alert', reply);
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await waitUntil(() => logger.of('warn').includes('alert webhook failed'));
    expect(logger.lines.find(({ message }) => message === 'alert webhook failed')?.fields).toEqual({
      gid: 'g',
      branchId: '01',
      op: 'action',
      error,
    });
    await clock.advance(15 * SECOND);
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it('that does not listen is reported without its password', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => void gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => void gone.close(resolve));
    const { server, transport, logger } = await start({
      alertRetryLimit: 1,
      alertWebhook: `http://me:secret@127.0.0.1:${port}/alert`,
    });
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await waitUntil(() => logger.of('warn').includes('alert webhook failed'));
    expect(JSON.stringify(logger.lines)).toContain('ECONNREFUSED');
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
  });

  it('that never answers delays nothing, gets at most sixteen alerts, and lets the coordinator stop', async () => {
    const { server, clock, transport, webhook, find } = await start({ alertRetryLimit: 1, requestTimeoutSeconds: 1 });
    webhook.answer('/alert', () => undefined);
    transport.answer('01 action', ...Array.from({ length: 40 }, () => UNKNOWN), SUCCESS);
    const gids = Array.from({ length: 40 }, (_, index) => `g${index}`);
    for (const gid of gids) await server.submit(sagaRequest(gid));
    await clock.advance(15 * SECOND);
    for (const gid of gids) expect((await find(gid)).transaction.status).toBe('succeed');
    await webhook.received(16);
    await server.close();
    expect(webhook.requests).toHaveLength(16);
  });

  it('that answers late is awaited when the coordinator stops', async () => {
    const { server, transport, webhook, logger } = await start({ alertRetryLimit: 1 });
    const answer = deferred();
    webhook.answer('/alert', async () => {
      await answer.promise;
      return {};
    });
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await webhook.received(1);
    const closed = server.close();
    answer.resolve();
    await closed;
    expect(logger.of('warn')).not.toContain('alert webhook failed');
  });

  it.each(['', 'alerts', 'ftp://host/alert', 'mailto:me@example.org', 'file:///alert', 'javascript:alert(1)'])(
    'must have an HTTP URL: "%s"',
    (alertWebhook) => {
      const make = () => embeddedServer({ store: memoryStore(), alertWebhook });
      expect(make).toThrow(DtmConfigError);
      expect(make).toThrow('embedded coordinator: alertWebhook must be an http or https URL');
    },
  );

  it('is optional', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', NO_ANSWER);
    await server.submit(sagaRequest('g'));
    await clock.advance(10 * MINUTE);
    expect((await find('g')).transaction.status).toBe('submitted');
  });
});
