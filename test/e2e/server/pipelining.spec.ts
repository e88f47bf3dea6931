import { memoryStore } from 'nestjs-dtm/server';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { interceptStore } from '../../support/intercepted-store.js';
import { RawConnection } from '../../support/raw-connection.js';
import { START_TIME, settled } from '../../support/virtual-clock.js';
import { waitUntil } from '../../support/wait-until.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const MIB = 1024 * 1024;
const QUERY = 'GET /api/dtmsvr/query?gid=big HTTP/1.1\r\nHost: x\r\n\r\n';
const HALF = 'POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"g';

/** Queries that the coordinator has executed. */
let queries: number;
let dtm: HttpCoordinator;

beforeEach(async () => {
  queries = 0;
  const store = interceptStore(memoryStore(), (operation, call) => {
    if (operation === 'find') queries += 1;
    return call();
  });
  dtm = await startHttpCoordinator({ store });
  // an answer that no socket buffer holds
  const steps = Array.from({ length: 4 }, () => ({ action: 'http://b/a' }));
  await dtm.server.submit({
    gid: 'big',
    transType: 'saga',
    steps,
    payloads: steps.map(() => JSON.stringify('x'.repeat(MIB))),
  });
  await settled();
  queries = 0;
});

function submit(gid: string): string {
  const body = JSON.stringify({ gid, trans_type: 'msg', steps: [{ action: 'http://b/a' }], payloads: ['{}'] });
  return `POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function pipeline(count: number): Promise<RawConnection> {
  const connection = await RawConnection.open(dtm.base);
  connection.stopReading();
  await connection.write(QUERY.repeat(count));
  await waitUntil(() => queries > 0);
  await settled();
  return connection;
}

describe('a client that pipelines requests and does not read', () => {
  it('has one of them executed at a time', async () => {
    const connection = await pipeline(10);
    // the operating system takes a few answers
    expect(queries).toBeLessThan(5);
    for (let index = 0; index < 10; index++) expect((await connection.answer()).status).toBe(200);
    expect(queries).toBe(10);
  });

  it('leaves nothing behind when it disconnects', async () => {
    const connection = await pipeline(40);
    connection.reset();
    await settled();
    const executed = queries;
    await waitUntil(async () => (await dtm.get('newGid')).status === 200);
    expect(queries).toBe(executed);
    expect(queries).toBeLessThan(10);
  });

  it('and disconnects does not keep the coordinator from closing, together with half-sent requests', async () => {
    const half = await RawConnection.open(dtm.base);
    await half.write(HALF);
    for (let index = 0; index < 3; index++) (await pipeline(20)).reset();
    await dtm.server.close();
    await half.closed;
  });

  it('and stays does not keep the coordinator from closing, together with half-sent requests', async () => {
    const half = await RawConnection.open(dtm.base);
    await half.write(HALF);
    await pipeline(20);
    await dtm.server.close();
    await half.closed;
  });

  it('is disconnected above 1,000 requests', async () => {
    const connection = await pipeline(1100);
    connection.end();
    await connection.answer().catch(() => undefined);
    await waitUntil(() => connection.isClosed);
    expect(queries).toBeLessThan(10);
    expect((await dtm.get('newGid')).status).toBe(200);
  });
});

describe('answers that no client reads', () => {
  it('are given up with their connections after 30 s', async () => {
    const connection = await pipeline(1);
    await dtm.clock.advance(29_000);
    expect(connection.isClosed).toBe(false);
    await dtm.clock.advance(1000);
    await expect(connection.answer()).rejects.toThrow();
  });

  it('are sent as long as the client reads', async () => {
    const connection = await pipeline(1);
    await dtm.clock.advance(29_000);
    expect((await connection.answer()).status).toBe(200);
    await dtm.clock.advance(10_000);
    await connection.write(QUERY);
    expect((await connection.answer()).status).toBe(200);
  });

  it('let others wait before they are read, and only those that can be large', async () => {
    const unread = await Promise.all(Array.from({ length: 30 }, () => pipeline(1)));
    // 8 of 4 MiB fill 32 MiB, and one may be read beside the last of them
    expect(queries).toBeLessThanOrEqual(9);
    const refused = dtm.get('query?gid=big');
    await settled();
    expect((await dtm.get('newGid')).status).toBe(200);
    expect((await dtm.answer('submit', { gid: 'g', trans_type: 'msg', steps: [] })).slice(0, 3)).toBe('200');
    await waitUntil(async () => {
      await dtm.clock.advance(1000);
      return dtm.clock.now() >= START_TIME + 21_000;
    });
    const message = 'other clients have not read their large answers; try again later';
    expect(await refused).toMatchObject({ status: 503, body: JSON.stringify({ message }) });
    // the clients are given up, and their bytes are given back
    await dtm.clock.advance(30_000);
    expect((await dtm.get('query?gid=big')).status).toBe(200);
    for (const connection of unread) connection.reset();
  });

  it('are not read when the client has disconnected before its turn', async () => {
    const unread = await Promise.all(Array.from({ length: 30 }, () => pipeline(1)));
    const executed = queries;
    for (const connection of unread) connection.reset();
    await waitUntil(async () => (await dtm.get('query?gid=big')).status === 200);
    expect(queries).toBeLessThan(executed + 5);
  });
});

describe('pipelined requests', () => {
  it('that change something are executed one after the other, in their order', async () => {
    const connection = await RawConnection.open(dtm.base);
    const gids = Array.from({ length: 20 }, (_, index) => `g${index}`);
    await connection.write(gids.map((gid) => submit(gid) + QUERY.replace('gid=big', `gid=${gid}`)).join(''));
    for (const gid of gids) {
      expect((await connection.answer()).body).toBe('{"dtm_result":"SUCCESS"}');
      expect(JSON.parse((await connection.answer()).body)).toMatchObject({ transaction: { gid } });
    }
  });

  it('that have arrived when the coordinator closes are answered', async () => {
    const held = dtm.transport.hold('01 action');
    const connection = await RawConnection.open(dtm.base);
    const waiting = { gid: 'g', trans_type: 'saga', steps: [{ action: 'http://b/a' }], payloads: ['{}'] };
    const body = JSON.stringify({ ...waiting, wait_result: true });
    await connection.write(
      `POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}` + submit('next'),
    );
    await held.arrived;
    await settled();
    const closed = dtm.server.close();
    held.answer({ kind: 'success', body: '' });
    expect((await connection.answer()).body).toBe('{"dtm_result":"SUCCESS"}');
    expect((await connection.answer()).status).toBe(200);
    await closed;
  });
});
