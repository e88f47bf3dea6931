import { DtmConfigError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { Participant } from '../../support/participant.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { waitUntil } from '../../support/wait-until.js';

vi.setConfig({ testTimeout: 20_000 });

const HOUR = 3600_000;

describe('the alert webhook', () => {
  it('is posted each failed try of a branch from the third on', async () => {
    const hook = await Participant.start();
    const { server, clock, transport } = await startCoordinator({ alertWebhook: hook.url('/hook') });
    transport.answer('01 action', UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await clock.advance(HOUR);
    await hook.received(2);
    expect(
      hook.requests.map(({ method, headers, body }) => [method, headers['content-type'], JSON.parse(body)]),
    ).toEqual(
      [3, 4].map((count) => [
        'POST',
        'application/json',
        { branch: 'http://b/a1', error: 'status 500: boom', gid: 'g', retry_count: count, status: 'submitted' },
      ]),
    );
  });

  it('is posted what must not fail and does', async () => {
    const hook = await Participant.start();
    const { server, clock, transport } = await startCoordinator({ alertWebhook: hook.url('/'), alertRetryLimit: 1 });
    transport.answer('01 cancel', FAILURE, SUCCESS);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    await server.abort(tccRequest('g'));
    await clock.advance(HOUR);
    await hook.received(1);
    expect(JSON.parse(hook.requests[0]!.body)).toMatchObject({
      branch: 'http://b/cancel01',
      error: 'refused',
      status: 'aborting',
    });
  });

  it('is not posted a branch that is not decided yet, nor an initiator', async () => {
    const hook = await Participant.start();
    const { server, clock, transport } = await startCoordinator({ alertWebhook: hook.url('/'), alertRetryLimit: 1 });
    transport.answer('01 action', ONGOING, ONGOING, SUCCESS).answer('00 msg', UNKNOWN);
    await server.submit(sagaRequest('g'));
    const message = {
      gid: 'm',
      transType: 'msg',
      steps: [{ action: 'http://b/a' }],
      payloads: ['{}'],
      queryPrepared: 'http://b/q',
    } as const;
    await server.prepare(message);
    await clock.advance(HOUR);
    expect(transport.timesOf('00 msg').length).toBeGreaterThan(3);
    // one that is posted shows that the others would have come
    transport.answer('02 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('last', 2));
    await hook.received(1);
    expect(hook.requests.map(({ body }) => JSON.parse(body).gid)).toEqual(['last']);
  });

  it('that is broken is reported, and delays nothing', async () => {
    const hook = await Participant.start();
    hook.answer('/', { status: 500 });
    const { server, clock, transport, find, logger } = await startCoordinator({
      alertWebhook: hook.url('/'),
      alertRetryLimit: 1,
    });
    transport.answer('01 action', UNKNOWN, SUCCESS);
    await server.submit(sagaRequest('g'));
    await clock.advance(HOUR);
    expect((await find('g')).transaction.status).toBe('succeed');
    await waitUntil(() => logger.of('warn').includes('alert webhook failed'));
    expect(logger.lines.find(({ message }) => message === 'alert webhook failed')?.fields).toMatchObject({
      gid: 'g',
      error: expect.stringContaining('it answered 500'),
    });
  });

  it('that says nothing is asked no more than 16 times at once, and keeps nobody from their work', async () => {
    const hook = await Participant.start();
    hook.answer('/', () => undefined);
    const { server, clock, transport } = await startCoordinator({
      alertWebhook: hook.url('/'),
      alertRetryLimit: 1,
      requestTimeoutSeconds: 1,
    });
    transport.answer('01 action', ...Array.from({ length: 40 }, () => UNKNOWN), SUCCESS);
    for (let index = 0; index < 40; index++) await server.submit(sagaRequest(`g${index}`));
    await hook.received(16);
    await clock.advance(HOUR);
    const { transactions } = await server.all({ status: 'succeed' });
    expect(transactions).toHaveLength(40);
    expect(hook.requests).toHaveLength(16);
  });

  it.each(['', 'hook', 'ftp://hook/', 'http://'])('that is %j is refused', (alertWebhook) => {
    expect(() => embeddedServer({ alertWebhook, store: memoryStore() })).toThrow(DtmConfigError);
  });
});
