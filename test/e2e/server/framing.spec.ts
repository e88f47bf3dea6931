import { networkInterfaces } from 'node:os';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { get, post } from '../../support/http-client.js';
import { SUCCESS_ANSWER, startHttpCoordinator, type HttpCoordinator } from '../../support/http-coordinator.js';
import { SUCCESS } from '../../support/scripted-transport.js';
import { RawConnection } from '../../support/raw-connection.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const MIB = 1024 * 1024;
const SUBMIT = '/api/dtmsvr/submit';

let dtm: HttpCoordinator;
let connection: RawConnection;

beforeEach(async () => {
  dtm = await startHttpCoordinator();
  connection = await RawConnection.open(dtm.base);
});

/** A saga of one step that waits for its result, as JSON. */
function saga(gid: string, payload = '{}'): string {
  const steps = [{ action: `http://b/${gid}` }];
  return JSON.stringify({ gid, trans_type: 'saga', steps, payloads: [payload], wait_result: true });
}

/** A POST with the right length. */
function posted(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const HEAD_CHUNKED = `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;

function chunk(data: string): string {
  return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
}

async function storedGids(): Promise<string[]> {
  return (await dtm.server.all()).transactions.map(({ gid }) => gid).toReversed();
}

/** Other requests are served as usual. */
async function expectServing(): Promise<void> {
  expect(await dtm.answer('submit', saga('others'))).toBe(SUCCESS_ANSWER);
}

describe('a body that is too large', () => {
  const LARGE = saga('large', 'x'.repeat(5 * MIB));

  it('is refused after it was read, so that the sender receives the answer', async () => {
    await connection.write(posted(SUBMIT, LARGE));
    const { status, head, body } = await connection.answer();
    expect([status, body]).toEqual([413, '{"message":"the request body has more than 4194304 bytes"}']);
    expect(head).toContain('connection: close');
    expect(await connection.closed).toBe('closed');
    expect(await storedGids()).toEqual([]);
    await expectServing();
  });

  it('is refused in chunks without a length, too', async () => {
    await connection.write(HEAD_CHUNKED + chunk(LARGE) + chunk(''));
    expect((await connection.answer()).status).toBe(413);
    expect(await connection.closed).toBe('closed');
    await expectServing();
  });

  it('that does not end is interrupted', async () => {
    await connection.write(HEAD_CHUNKED);
    const part = chunk('x'.repeat(MIB));
    for (let sent = 0; !connection.isClosed; sent++) {
      expect(sent, 'MiB that were taken').toBeLessThan(200);
      await connection.write(part);
    }
    expect(await storedGids()).toEqual([]);
    await expectServing();
  });

  it('does not affect concurrent requests', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        index % 2 === 0 ? post(`${dtm.base}/submit`, LARGE) : post(`${dtm.base}/submit`, saga(`g${index}`)),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, index) => (index % 2 === 0 ? 413 : 200)));
    expect((await storedGids()).toSorted()).toEqual(['g1', 'g11', 'g3', 'g5', 'g7', 'g9']);
  });
});

describe('the length of a body', () => {
  it('can arrive in any pieces', async () => {
    for (const byte of posted(SUBMIT, saga('g'))) await connection.write(byte);
    expect(await connection.answer()).toMatchObject({ status: 200 });
    const body = saga('h');
    await connection.write(HEAD_CHUNKED + [...body].map(chunk).join('') + chunk(''));
    expect(await connection.answer()).toMatchObject({ status: 200 });
    expect(await storedGids()).toEqual(['g', 'h']);
  });

  it('that is too short ends the connection, because the rest is not a request', async () => {
    const body = saga('g');
    await connection.write(`POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n${body}`);
    expect((await connection.answer()).status).toBe(400);
    await connection.closed;
    expect(await storedGids()).toEqual([]);
    await expectServing();
  });

  it('that is too long leaves nothing behind when the sender stops', async () => {
    const body = saga('g');
    await connection.write(`POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length + 1}\r\n\r\n${body}`);
    connection.end();
    await connection.closed;
    expect(await storedGids()).toEqual([]);
    await expectServing();
  });

  it.each([
    ['two that differ', 'Content-Length: 2\r\nContent-Length: 3'],
    ['one beside chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked'],
    ['one that is no number', 'Content-Length: x'],
    ['a negative one', 'Content-Length: -1'],
    ['one beyond all numbers', 'Content-Length: 99999999999999999999999999'],
    ['a chunk of no length', 'Transfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ])('is refused with 400: %s', async (_, headers) => {
    await connection.write(`POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n{}`);
    expect((await connection.answer()).status).toBe(400);
    await connection.closed;
    await expectServing();
  });

  it('is awaited after 100 Continue', async () => {
    const body = saga('g');
    const length = Buffer.byteLength(body);
    await connection.write(
      `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
    );
    expect((await connection.answer()).status).toBe(100);
    await connection.write(body);
    expect((await connection.answer()).status).toBe(200);
  });
});

describe('pipelined requests', () => {
  it('are answered in their order', async () => {
    const gids = ['a', 'b', 'c', 'd'];
    const requests = gids.flatMap((gid) => [
      posted(SUBMIT, saga(gid)),
      `GET /api/dtmsvr/query?gid=${gid} HTTP/1.1\r\nHost: x\r\n\r\n`,
    ]);
    // a query may be executed before the submit in front of it is done: only the order of answers is guaranteed
    await connection.write(requests.join(''));
    for (const gid of gids) {
      expect(await connection.answer()).toMatchObject({ status: 200, body: '{"dtm_result":"SUCCESS"}' });
      const { transaction } = JSON.parse((await connection.answer()).body) as { transaction: { gid: string } | null };
      expect([undefined, gid]).toContain(transaction?.gid);
    }
    expect((await storedGids()).toSorted()).toEqual(gids);
  });

  it('wait for a request that waits for its result', async () => {
    const held = dtm.transport.hold('01 action');
    await connection.write(posted(SUBMIT, saga('slow')) + 'GET /api/ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await held.arrived;
    await settled();
    // other clients do not wait
    expect((await get(`${dtm.base}/version`)).status).toBe(200);
    held.answer(SUCCESS);
    expect((await connection.answer()).body).toBe('{"dtm_result":"SUCCESS"}');
    expect((await connection.answer()).body).toBe('{"msg":"pong"}');
  });

  it('continue after a refused request', async () => {
    await connection.write(posted(SUBMIT, '{') + posted('/nope', '{}') + posted(SUBMIT, saga('g')));
    expect([await connection.answer(), await connection.answer(), await connection.answer()]).toMatchObject([
      { status: 500 },
      { status: 404 },
      { status: 200 },
    ]);
  });
});

describe('unusual clients', () => {
  it('with HTTP/1.0 get an answer with a length, and the connection is closed', async () => {
    const body = saga('g');
    await connection.write(`POST ${SUBMIT} HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const { status, head } = await connection.answer();
    expect(status).toBe(200);
    expect(head).toMatch(/content-length: 24\b/);
    expect(head).not.toContain('transfer-encoding');
    expect(await connection.closed).toBe('closed');
  });

  it.each([
    ['a method that nobody knows', 'FETCH /api/ping HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['PATCH', `PATCH ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`, 404],
    ['OPTIONS', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['HTTP/0.9', 'GET /api/ping\r\n\r\n', 200],
    ['no Host', 'GET /api/ping HTTP/1.1\r\n\r\n', 400],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n', 400],
    ['a header line that is none', 'GET /api/ping HTTP/1.1\r\nHost: x\r\nevil\r\n\r\n', 400],
    ['a header that is folded', 'GET /api/ping HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n', 400],
    ['a URL of 20,000 bytes', `GET /api/dtmsvr/query?gid=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['headers of 20,000 bytes', `GET /api/ping HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a path with a NUL', 'GET /api/\u0000ping HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a path that is badly escaped', 'DELETE /api/dtmsvr/topic/%zz HTTP/1.1\r\nHost: x\r\n\r\n', 500],
    ['a path that leads up', 'GET /api/dtmsvr/../ping HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ])('are answered, and harm nobody: %s', async (_, request, status) => {
    await connection.write(request);
    expect((await connection.answer()).status).toBe(status);
    await expectServing();
  });

  it('that request a tunnel are disconnected', async () => {
    await connection.write('CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.closed;
    await expectServing();
  });

  it('that request an upgrade are answered in HTTP', async () => {
    await connection.write('GET /api/ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect((await connection.answer()).body).toBe('{"msg":"pong"}');
  });

  it('that request only the head get no body', async () => {
    await connection.write('HEAD /api/ping HTTP/1.1\r\nHost: x\r\n\r\nGET /api/ping HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await connection.answer(false)).status).toBe(404);
    expect((await connection.answer()).body).toBe('{"msg":"pong"}');
  });

  it('that query a gid of 10,000 bytes are told that it does not exist', async () => {
    const { status, body } = await dtm.get(`query?gid=${'x'.repeat(10_000)}`);
    expect([status, body]).toEqual([200, '{"branches":[],"transaction":null}']);
  });
});

it('other machines cannot connect by default', async () => {
  const { port } = new URL(dtm.base);
  const address = Object.values(networkInterfaces())
    .flat()
    .find((known) => known?.family === 'IPv4' && !known.internal)?.address;
  const connected = (fixture: HttpCoordinator, host: string): Promise<boolean> =>
    RawConnection.open(`http://${host}:${new URL(fixture.base).port}`).then(
      () => true,
      () => false,
    );
  expect(dtm.base).toBe(`http://127.0.0.1:${port}/api/dtmsvr`);
  const open = await startHttpCoordinator({ listen: { port: 0, host: '0.0.0.0' } });
  // a machine without a network has no other address
  for (const host of address ? [address] : []) {
    expect(await connected(dtm, host)).toBe(false);
    expect(await connected(open, host)).toBe(true);
  }
});

describe('the target of a request line', () => {
  it.each([
    ['the origin form', '/api/dtmsvr/query?gid=form'],
    ['the absolute form', 'http://dtm:36789/api/dtmsvr/query?gid=form'],
    ['the absolute form with another case of the scheme', 'HTTP://DTM/api/dtmsvr/query?gid=form'],
  ])('is read in %s', async (_form, target) => {
    await dtm.answer('submit', saga('form'));
    await connection.write(`GET ${target} HTTP/1.1\r\nHost: dtm:36789\r\n\r\n`);
    const { status, body } = await connection.answer();
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ transaction: { gid: 'form', status: 'succeed' } });
  });

  it('carries a POST in the absolute form', async () => {
    await connection.write(posted(`http://dtm:36789${SUBMIT}`, saga('absolute')));
    expect(await connection.answer()).toMatchObject({ status: 200, body: '{"dtm_result":"SUCCESS"}' });
    expect(await storedGids()).toEqual(['absolute']);
  });

  it.each(['http://dtm:36789', 'http://dtm:36789?gid=form', '*'])(
    'without a known path, %s, is 404',
    async (target) => {
      await connection.write(`GET ${target} HTTP/1.1\r\nHost: dtm:36789\r\n\r\n`);
      expect((await connection.answer()).status).toBe(404);
      await expectServing();
    },
  );
});
