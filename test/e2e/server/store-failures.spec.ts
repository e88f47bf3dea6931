import { DtmOngoingError, DtmStoreError } from 'nestjs-dtm/protocol';
import { memoryStore } from 'nestjs-dtm/server';
import { describe, expect, it, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { get, post } from '../../support/http-client.js';
import { interceptStore, type StoreOperation } from '../../support/intercepted-store.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { SUCCESS } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const NOTHING = new DtmStoreError('the store could not write (disk full); nothing was stored, try again');
const LOST = new DtmStoreError('the store was lost before it answered', { isOutcomeUnknown: true });

/** A store that fails at operations that a test chooses; with `after`, once it has executed them. */
function failingStore() {
  const failing = new Map<StoreOperation, { readonly error: Error; readonly after?: boolean }>();
  const store = interceptStore(memoryStore(), async (operation, call) => {
    const failure = failing.get(operation);
    if (!failure) return call();
    if (failure.after) await call();
    throw failure.error;
  });
  return { store, failing };
}

const WAITING_SAGA = {
  gid: 'g',
  trans_type: 'saga',
  wait_result: true,
  steps: [{ action: 'http://b/a1', compensate: 'http://b/c1' }],
  payloads: ['1'],
};

describe('a waiting submit whose pass cannot be stored', () => {
  it('is told over HTTP that the transaction is not decided, and succeeds later', async () => {
    const { store, failing } = failingStore();
    const dtm = await startHttpCoordinator({ store });
    failing.set('update', { error: NOTHING });
    const answer = await dtm.answer('submit', WAITING_SAGA);
    expect(answer).toMatch(/^425 .*transaction g may be stored, but its state is unknown: internal error .*same gid/);
    expect(answer).not.toMatch(/nothing was stored|disk full/);
    const id = /internal error ([\da-f]{12});/.exec(answer)![1];
    expect(dtm.logger.lines).toContainEqual({
      level: 'error',
      message: 'a request failed',
      fields: { id, gid: 'g', error: expect.stringContaining('disk full') },
    });
    failing.clear();
    await dtm.clock.advance(30_000);
    expect(await dtm.show('g')).toBe('succeed: 01 compensate prepared, 01 action succeed');
  });

  it('is told so over JSON-RPC', async () => {
    const { store, failing } = failingStore();
    const dtm = await startHttpCoordinator({ store });
    failing.set('update', { error: NOTHING });
    const { body } = await post(dtm.base.replace('/api/dtmsvr', '/api/json-rpc'), {
      jsonrpc: '2.0',
      id: '1',
      method: 'submit',
      params: WAITING_SAGA,
    });
    expect(JSON.parse(body)).toMatchObject({
      error: { code: -32902, message: expect.stringContaining('transaction g may be stored') },
    });
    expect(body).not.toContain('disk full');
  });

  it.each([
    ['HTTP', 'query?gid=g', undefined],
    [
      'JSON-RPC',
      '../json-rpc',
      { jsonrpc: '2.0', id: '1', method: 'prepare', params: { gid: 'g', trans_type: 'tcc' } },
    ],
  ])('is told the id by which the log has the text of the store over %s', async (_, path, body) => {
    const { store, failing } = failingStore();
    const dtm = await startHttpCoordinator({ store });
    for (const operation of ['create', 'find'] as const) failing.set(operation, { error: NOTHING });
    const url = new URL(path, `${dtm.base}/`).href;
    const answer = await (body ? post(url, body) : get(url));
    const id = /internal error ([\da-f]{12}); the log has its text under this id/.exec(answer.body)?.[1];
    expect(dtm.logger.lines).toContainEqual({
      level: 'error',
      message: 'a request failed',
      fields: { id, error: expect.stringContaining('disk full') },
    });
    expect(answer.body).not.toContain('disk full');
  });
});

describe('an initiator whose request meets a store that fails', () => {
  it('is told that nothing was stored when the transaction does not exist', async () => {
    const { store, failing } = failingStore();
    const { server } = await startCoordinator({ store });
    failing.set('create', { error: NOTHING });
    await expect(server.submit(sagaRequest('g'))).rejects.toBe(NOTHING);
    await expect(server.prepare(tccRequest('g'))).rejects.toBe(NOTHING);
  });

  it('is told that the transaction is not decided when it may exist', async () => {
    const { store, failing } = failingStore();
    const { server, find } = await startCoordinator({ store });
    failing.set('create', { error: LOST, after: true });
    for (const request of [
      () => server.submit(sagaRequest('saga')),
      () => server.prepare(tccRequest('tcc')),
      () => server.submit({ gid: 'msg', transType: 'msg' }),
    ]) {
      await expect(request()).rejects.toThrow(DtmOngoingError);
    }
    failing.clear();
    await settled();
    expect((await find('saga')).transaction.status).toBe('submitted');
    // the same request again is answered by what is stored
    await server.submit(sagaRequest('saga'));
    await server.prepare(tccRequest('tcc'));
  });

  it.each<[string, StoreOperation]>([
    ['submit', 'find'],
    ['submit', 'update'],
    ['abort', 'find'],
    ['abort', 'update'],
  ])('is told so by %s of a prepared transaction when %s fails', async (operation, failed) => {
    const { store, failing } = failingStore();
    const { server, transport, find, clock } = await startCoordinator({ store });
    transport.answer('01 confirm', SUCCESS).answer('01 cancel', SUCCESS);
    await server.prepare(tccRequest('g'));
    await server.registerBranch(tccBranch('g', '01'));
    failing.set(failed, { error: NOTHING });
    const request = operation === 'submit' ? () => server.submit(tccRequest('g')) : () => server.abort(tccRequest('g'));
    await expect(request()).rejects.toMatchObject({ code: 'DTM_ONGOING', gid: 'g' });
    failing.clear();
    await request();
    await clock.advance(1000);
    expect((await find('g')).transaction.status).toBe(operation === 'submit' ? 'succeed' : 'failed');
  });
});
