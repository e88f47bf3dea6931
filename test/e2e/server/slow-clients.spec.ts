import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { get, post } from '../../support/http-client.js';
import { SUCCESS_ANSWER, startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { RawConnection } from '../../support/raw-connection.js';
import { SUCCESS } from '../../support/scripted-transport.js';
import { settled } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const SUBMIT = '/api/dtmsvr/submit';

const WAYS = {
  'say nothing': '',
  'send half of a request line': 'POST /api/dt',
  'send half of their headers': `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nX-A: `,
  'send half of their body': `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"gid":`,
  'send a chunk and no more': `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"gid\r\n`,
} as const;

function saga(gid: string): object {
  return { gid, trans_type: 'saga', steps: [{ action: `http://b/${gid}` }], payloads: ['{}'], wait_result: true };
}

function posted(body: object): string {
  const text = JSON.stringify(body);
  return `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

let dtm: HttpCoordinator;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
});

function connections(count: number): Promise<RawConnection[]> {
  return Promise.all(Array.from({ length: count }, () => RawConnection.open(dtm.base)));
}

/** Other clients get answers, for new and old transactions. */
async function expectServing(gid: string): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => dtm.answer('submit', saga(`${gid}${index}`))),
  );
  expect(new Set(answers)).toEqual(new Set([SUCCESS_ANSWER]));
  expect((await get(`${dtm.base}/query?gid=${gid}0`)).status).toBe(200);
}

describe('clients that', () => {
  it.each(Object.entries(WAYS))('%s do not block other clients and leave nothing behind', async (_, text) => {
    const slow = await connections(400);
    await Promise.all(slow.map((connection) => connection.write(text)));
    await expectServing('while');
    for (const connection of slow) connection.reset();
    await expectServing('after');
    expect((await dtm.server.all()).transactions).toHaveLength(40);
  });

  it('are slow in every way at once do not keep the coordinator from closing', async () => {
    const slow = await connections(100);
    const texts = Object.values(WAYS);
    await Promise.all(slow.map((connection, index) => connection.write(texts[index % texts.length]!)));
    await expectServing('while');
    await dtm.server.close();
    await Promise.all(slow.map(({ closed }) => closed));
  });

  it('do not finish their headers are disconnected after the time-out', { timeout: 90_000 }, async () => {
    const slow = await connections(20);
    const trickle = async (connection: RawConnection): Promise<void> => {
      await connection.write(WAYS['send half of their headers']);
      // a byte now and then, so that the connection is never idle
      await waitUntil(async () => {
        if (!connection.isClosed) await connection.write('a');
        return connection.isClosed;
      });
    };
    await Promise.all(slow.map(trickle));
    await expectServing('after');
  });

  it('disconnect while they wait for a result do not stop their transactions', async () => {
    const released = deferred();
    const gids = Array.from({ length: 50 }, (_, index) => `g${index}`);
    dtm.transport.answer('01 action', async () => {
      await released.promise;
      return SUCCESS;
    });
    const waiting = await connections(gids.length);
    await Promise.all(waiting.map((connection, index) => connection.write(posted(saga(gids[index]!)))));
    await waitUntil(() => dtm.transport.calls.length === gids.length);
    for (const connection of waiting) connection.reset();
    await settled();
    released.resolve();
    await waitUntil(async () =>
      (await dtm.server.all({ limit: 100 })).transactions.every(({ status }) => status === 'succeed'),
    );
    await expectServing('after');
    expect(dtm.logger.of('error')).toEqual([]);
  });

  it('disconnect during an abort do not stop the rollback', async () => {
    const tcc = { gid: 'g', trans_type: 'tcc' };
    await dtm.post('prepare', tcc);
    await dtm.post('registerBranch', { ...tcc, branch_id: '01', cancel: 'http://b/cancel' });
    const held = dtm.transport.hold('01 cancel');
    const [connection] = await connections(1);
    const body = JSON.stringify({ ...tcc, wait_result: true });
    await connection!.write(
      `POST /api/dtmsvr/abort HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await held.arrived;
    connection!.reset();
    await settled();
    held.answer(SUCCESS);
    await waitUntil(async () => (await dtm.show('g')) === 'failed: 01 cancel succeed, 01 confirm prepared');
  });

  it('half-close right after their request still have it executed', async () => {
    const [connection] = await connections(1);
    await connection!.write(posted(saga('g')));
    connection!.end();
    await connection!.closed;
    await waitUntil(async () => (await dtm.server.query('g'))?.transaction.status === 'succeed');
  });

  it('do not read their answers do not block other clients, and get the answers in order later', async () => {
    const reason = 'x'.repeat(20_000);
    const tcc = { gid: 'g', trans_type: 'tcc' };
    await dtm.post('prepare', tcc);
    await dtm.post('abort', { ...tcc, rollback_reason: reason, wait_result: true });
    const [connection] = await connections(1);
    connection!.stopReading();
    const requests = Array.from(
      { length: 500 },
      (_, index) => `GET /api/dtmsvr/all?gid=g&position=${index + 1000} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    const written = connection!.write(requests.join(''));
    await expectServing('while');
    for (let index = 0; index < 500; index++) {
      const { status, body } = await connection!.answer();
      expect([status, body.length > reason.length]).toEqual([200, true]);
    }
    await written;
  });

  it('connect and disconnect by the thousand leave nothing behind', async () => {
    for (let round = 0; round < 10; round++) {
      const short = await connections(200);
      await Promise.all(short.map((connection, index) => connection.write(Object.values(WAYS)[index % 5]!)));
      for (const connection of short) connection.reset();
    }
    expect((await post(`${dtm.base}/submit`, saga('after'))).status).toBe(200);
    expect(dtm.logger.of('warn')).toEqual([]);
    expect(dtm.logger.of('error')).toEqual([]);
  });
});
