import { DtmConfigError, DtmStoreError } from 'nestjs-dtm/protocol';
import { embeddedServer, memoryStore, sqliteStore } from 'nestjs-dtm/server';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCoordinator, startCoordinator } from '../../support/coordinator.js';
import { startHttpCoordinator } from '../../support/http-coordinator.js';
import { sagaRequest, tccBranch, tccRequest } from '../../support/requests.js';
import { FAILURE, ONGOING, SUCCESS, UNKNOWN } from '../../support/scripted-transport.js';
import { gatedStore } from '../../support/intercepted-store.js';
import { tempFolder } from '../../support/temp-folder.js';
import { settled } from '../../support/virtual-clock.js';

// a test that hangs fails early
vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

/** Whether a promise is settled when no more work is pending. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const note = (): void => {
    done = true;
  };
  promise.then(note, note);
  await settled();
  return done;
}

describe('close() during a pass', () => {
  it('waits for the running call and stores its answer; nothing more is called', async () => {
    const { server, transport, show, find, clock } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g', 2));
    await held.arrived;
    const closed = server.close();
    expect(await isDone(closed)).toBe(false);
    held.answer(SUCCESS);
    await closed;
    expect(transport.keys).toEqual(['01 action']);
    expect(await show('g')).toBe(
      'submitted: 01 compensate prepared, 01 action succeed, 02 compensate prepared, 02 action prepared',
    );
    expect((await find('g')).transaction.owner).toBeUndefined();
    expect((await find('g')).transaction.nextCronTime).toBe(clock.now());
  });

  it('leaves the rest to the next start, which continues at once', async () => {
    const store = memoryStore();
    const first = await startCoordinator({ store });
    const held = first.transport.hold('01 action');
    await first.server.submit(sagaRequest('g', 2));
    await held.arrived;
    const closed = first.server.close();
    held.answer(SUCCESS);
    await closed;
    const second = await startCoordinator({ store, clock: first.clock });
    await settled();
    expect(second.transport.keys).toEqual(['02 action']);
    expect((await second.find('g')).transaction.status).toBe('succeed');
  });

  it('stores a failure and the change to rollback', async () => {
    const { server, transport, find } = await startCoordinator();
    const held = transport.hold('02 action');
    await server.submit(sagaRequest('g', 2));
    await held.arrived;
    const closed = server.close();
    held.answer(FAILURE);
    await closed;
    expect(transport.keys).toEqual(['01 action', '02 action']);
    expect((await find('g')).transaction).toMatchObject({
      status: 'aborting',
      rollbackReason: 'url:http://b/a2 return failed: refused',
    });
  });

  it('stores the last answer and the final state', async () => {
    const { server, transport, find } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await held.arrived;
    const closed = server.close();
    held.answer(SUCCESS);
    await closed;
    expect((await find('g')).transaction.status).toBe('succeed');
  });

  it.each([ONGOING, UNKNOWN])('stores that a branch gave no decision (%j)', async (outcome) => {
    const { server, transport, find } = await startCoordinator();
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g'));
    await held.arrived;
    const closed = server.close();
    held.answer(outcome);
    await closed;
    expect((await find('g')).branches[1]).toMatchObject({ status: 'prepared', attempts: 1 });
  });

  it('waits for all running calls of a concurrent saga', async () => {
    const { server, transport, show } = await startCoordinator();
    const [first, second] = [transport.hold('01 action'), transport.hold('02 action')];
    await server.submit(sagaRequest('g', 3, { customData: '{"concurrent":true,"orders":{"2":[0]}}' }));
    await Promise.all([first.arrived, second.arrived]);
    const closed = server.close();
    first.answer(SUCCESS);
    expect(await isDone(closed)).toBe(false);
    second.answer(FAILURE);
    await closed;
    expect(transport.keys).toEqual(['01 action', '02 action']);
    expect(await show('g')).toContain(
      'aborting: 01 compensate prepared, 01 action succeed, 02 compensate prepared, 02 action failed',
    );
  });

  it('makes no call that was decided before a write', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const { server, transport, show, find } = await startCoordinator({ store });
    const held = transport.hold('01 action');
    await server.submit(sagaRequest('g', 2));
    await held.arrived;
    const save = hold('update');
    held.answer(SUCCESS);
    await save.arrived;
    const closed = server.close();
    save.release();
    await closed;
    expect(transport.keys).toEqual(['01 action']);
    expect(await show('g')).toContain('submitted: 01 compensate prepared, 01 action succeed');
    expect((await find('g')).transaction.owner).toBeUndefined();
  });

  it('makes no call for transactions of a last poll, and leaves them due', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const first = await startCoordinator({ store });
    first.transport.answer('01 action', UNKNOWN);
    await first.server.submit(sagaRequest('g'));
    await settled();
    const look = hold('claim');
    first.clock.jump(12_000);
    await first.clock.advance(1000);
    await look.arrived;
    const closed = first.server.close();
    await settled();
    look.release();
    await closed;
    expect(first.transport.keys).toEqual(['01 action']);
    const second = await startCoordinator({ store, clock: first.clock });
    await settled();
    expect(second.transport.keys).toEqual(['01 action']);
  });

  it('waits for passes that a last poll started before it closes the store', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const { store, hold } = gatedStore(sqliteStore({ path }));
    const first = await startCoordinator({ store });
    await first.server.prepare(tccRequest('g'));
    await first.server.registerBranch(tccBranch('g', '01'));
    await settled();
    const look = hold('claim');
    first.clock.jump(35_000);
    await first.clock.advance(1000);
    await look.arrived;
    const closed = first.server.close();
    await settled();
    look.release();
    await closed;
    await settled();
    expect(first.logger.of('error')).toEqual([]);
    expect(first.transport.keys).toEqual([]);
    const second = await startCoordinator({ store: sqliteStore({ path }), clock: first.clock });
    await settled();
    expect(second.transport.keys).toEqual(['01 cancel']);
  });

  it('waits for passes of recovery, too', async () => {
    const { server, clock, transport, find } = await startCoordinator();
    transport.answer('01 action', UNKNOWN);
    await server.submit(sagaRequest('g'));
    await settled();
    const held = transport.hold('01 action');
    await clock.advance(12_000);
    await held.arrived;
    const closed = server.close();
    expect(await isDone(closed)).toBe(false);
    held.answer(SUCCESS);
    await closed;
    expect((await find('g')).transaction.status).toBe('succeed');
  });
});

describe('close()', () => {
  it('does not wait for the pause between two polls', async () => {
    const { server, clock, transport } = await startCoordinator({ pollIntervalSeconds: 3600 });
    await settled();
    // the virtual clock stands still: this would never end
    await server.close();
    expect(clock.pending).toBe(0);
    expect(transport.isClosed).toBe(true);
  });

  it('does not wait for the pause after a running poll', async () => {
    const { store, hold } = gatedStore(memoryStore());
    const { server } = makeCoordinator({ store });
    await server.open();
    const look = hold('claim');
    server.recover();
    await look.arrived;
    const closed = server.close();
    await settled();
    look.release();
    await closed;
  });

  it('can be repeated and called before open()', async () => {
    const { server } = await startCoordinator();
    await Promise.all([server.close(), server.close()]);
    await server.close();
    await makeCoordinator().server.close();
  });

  it('cannot be followed by recover()', async () => {
    const { server, clock, logger } = await startCoordinator({
      store: sqliteStore({ path: join(tempFolder(), 'dtm.db') }),
    });
    await server.close();
    server.recover();
    await clock.advance(5000);
    expect(clock.pending).toBe(0);
    expect(logger.of('error')).toEqual([]);
  });

  it('loses nothing that was acknowledged meanwhile', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await startCoordinator({ store: sqliteStore({ path }) });
    const held = first.transport.hold('01 action');
    await first.server.submit(sagaRequest('before'));
    await held.arrived;
    const closed = first.server.close();
    await first.server.submit(sagaRequest('during'));
    held.answer(SUCCESS);
    await closed;
    expect(first.transport.keys).toEqual(['01 action']);
    await expect(first.server.submit(sagaRequest('after'))).rejects.toThrow(DtmStoreError);

    const second = await startCoordinator({ store: sqliteStore({ path }), clock: first.clock });
    await settled();
    expect((await second.find('before')).transaction.status).toBe('succeed');
    expect((await second.find('during')).transaction.status).toBe('succeed');
    expect(await second.server.query('after')).toBeUndefined();
  });

  it('during many submits loses none that was acknowledged', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await startCoordinator({ store: sqliteStore({ path }) });
    const acknowledged: string[] = [];
    const submits = Array.from({ length: 100 }, async (_, index) => {
      for (let turn = 0; turn < index % 10; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
      await first.server.submit(sagaRequest(`g${index}`, 2));
      acknowledged.push(`g${index}`);
    });
    await new Promise<void>((resolve) => void setImmediate(resolve));
    await Promise.all([first.server.close(), Promise.allSettled(submits)]);
    expect(acknowledged.length).toBeGreaterThan(0);

    const second = await startCoordinator({ store: sqliteStore({ path }), clock: first.clock });
    await second.clock.advance(5000);
    for (const gid of acknowledged) expect((await second.find(gid)).transaction.status).toBe('succeed');
  });
});

describe('close() of a coordinator that listens', () => {
  it('answers requests that have arrived and refuses new connections', async () => {
    const dtm = await startHttpCoordinator();
    const held = dtm.transport.hold('01 action');
    const waiting = dtm.answer('submit', {
      gid: 'g',
      trans_type: 'saga',
      steps: [{ action: 'http://b/a' }],
      payloads: ['{}'],
      wait_result: true,
    });
    await held.arrived;
    const closed = dtm.server.close();
    held.answer(SUCCESS);
    expect(await waiting).toBe('200 {"dtm_result":"SUCCESS"}');
    await closed;
    await expect(dtm.get('newGid')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('tells a client that waits for its result that the transaction is undecided', async () => {
    const dtm = await startHttpCoordinator();
    const held = dtm.transport.hold('01 action');
    const steps = [{ action: 'http://b/a' }, { action: 'http://b/a2' }];
    const waiting = dtm.answer('submit', {
      gid: 'g',
      trans_type: 'saga',
      steps,
      payloads: ['1', '2'],
      wait_result: true,
    });
    await held.arrived;
    const closed = dtm.server.close();
    held.answer(SUCCESS);
    expect(await waiting).toMatch(/^425 /);
    await closed;
  });

  it.each([
    ['says nothing', ''],
    ['has sent half a header', 'POST /api/dtmsvr/submit HTTP/1.1\r\nHo'],
    ['has sent half a body', 'POST /api/dtmsvr/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"g'],
    ['was answered and stays connected', 'GET /api/dtmsvr/newGid HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('is not held up by a client that %s', async (_, sent) => {
    const dtm = await startHttpCoordinator();
    const socket = await connectTo(dtm.base);
    const answered = sent.startsWith('GET') ? new Promise((resolve) => void socket.once('data', resolve)) : settled();
    socket.write(sent);
    await answered;
    await dtm.server.close();
  });
});

describe('open()', () => {
  it('fails when the port is in use, and closes the store', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const store = sqliteStore({ path: join(tempFolder(), 'dtm.db') });
    const { server } = makeCoordinator({ store, listen: { port: (other.address() as AddressInfo).port } });
    const opened = server.open();
    await expect(opened).rejects.toThrow(DtmConfigError);
    await expect(opened).rejects.toThrow(
      /^cannot listen on 127\.0\.0\.1:\d+: the port is in use; stop the other process or choose another port$/,
    );
    await store.open();
    await store.close();
  });

  it('sets the address only when the coordinator listens', async () => {
    expect((await startCoordinator()).server.address).toBeUndefined();
    const { server } = makeCoordinator({ listen: { port: 0, host: '0.0.0.0' } });
    expect(server.address).toBeUndefined();
    await server.open();
    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/dtmsvr$/);
  });

  it.each(['http://dtm.example:36789', 'https://dtm.example/gateway', 'http://dtm.example:36789///'])(
    'uses the advertised address: %s',
    async (advertise) => {
      const { server } = makeCoordinator({ listen: { port: 0, advertise } });
      await server.open();
      expect(server.address).toBe(`${advertise.replace(/\/+$/, '')}/api/dtmsvr`);
    },
  );

  it.each(['', 'dtm.example:36789', 'ftp://dtm', 'http://me:secret@dtm', 'http://dtm/?a=b', 'http://dtm/#a', '//dtm'])(
    'fails when the advertised address is invalid or contains a password: "%s"',
    async (advertise) => {
      const store = sqliteStore({ path: join(tempFolder(), 'dtm.db') });
      const { server } = makeCoordinator({ store, listen: { port: 0, advertise } });
      const opened = server.open();
      await expect(opened).rejects.toThrow(DtmConfigError);
      await expect(opened).rejects.toThrow(/^listen\.advertise must be the http or https URL/);
      await expect(opened).rejects.not.toThrow(/secret/);
      // nothing was left open
      await store.open();
      await store.close();
    },
  );

  it('without recover() serves requests and runs submitted transactions, but does not poll', async () => {
    const { server, transport, clock } = makeCoordinator();
    await server.open();
    await server.submit(sagaRequest('g'));
    await settled();
    expect(transport.keys).toEqual(['01 action']);
    expect(clock.pending).toBe(0);
  });
});

describe('a new coordinator on the same SQLite file', () => {
  const fixtures = () => {
    const path = join(tempFolder(), 'dtm.db');
    return (clock?: Awaited<ReturnType<typeof startCoordinator>>['clock']) =>
      startCoordinator({ store: sqliteStore({ path }), ...(clock ? { clock } : {}) });
  };

  it('keeps pause and interval of a transaction that waits for its next attempt', async () => {
    const start = fixtures();
    const first = await start();
    first.transport.answer('01 action', UNKNOWN);
    await first.server.submit(sagaRequest('g', 1, { retryIntervalSeconds: 60 }));
    await settled();
    await first.server.close();
    const second = await start(first.clock);
    second.transport.answer('01 action', UNKNOWN);
    await second.clock.advance(59_000);
    expect(second.transport.keys).toEqual([]);
    await second.clock.advance(8000);
    expect(second.transport.keys).toEqual(['01 action']);
    expect((await second.find('g')).transaction.nextCronInterval).toBe(240);
  });

  it('continues to count towards the retry limit', async () => {
    const start = fixtures();
    const first = await start();
    first.transport.answer('01 action', UNKNOWN);
    await first.server.submit(sagaRequest('g', 1, { retryLimit: 1 }));
    await settled();
    await first.server.close();
    const second = await start(first.clock);
    second.transport.answer('01 action', UNKNOWN);
    await second.clock.advance(15_000);
    expect(second.transport.keys).toEqual(['01 action', '01 compensate']);
    expect((await second.find('g')).transaction.status).toBe('failed');
  });

  it('rolls a prepared TCC back at its real age', async () => {
    const start = fixtures();
    const first = await start();
    await first.server.prepare(tccRequest('g'));
    await first.server.registerBranch(tccBranch('g', '01'));
    await first.clock.advance(20_000);
    await first.server.close();
    const second = await start(first.clock);
    await second.clock.advance(14_000);
    expect(second.transport.keys).toEqual([]);
    await second.clock.advance(3000);
    expect(second.transport.keys).toEqual(['01 cancel']);
    expect((await second.find('g')).transaction.rollbackReason).toBe('Timeout after 35 seconds');
  });

  it('continues a rollback', async () => {
    const start = fixtures();
    const first = await start();
    first.transport.answer('03 action', FAILURE);
    const held = first.transport.hold('03 compensate');
    await first.server.submit(sagaRequest('g', 3));
    await held.arrived;
    const closed = first.server.close();
    held.answer(SUCCESS);
    await closed;
    const second = await start(first.clock);
    await settled();
    expect(second.transport.keys).toEqual(['02 compensate', '01 compensate']);
    expect((await second.find('g')).transaction.status).toBe('failed');
  });
});

describe('the settings', () => {
  it.each([
    ['timeoutToFailSeconds', 0],
    ['retryIntervalSeconds', 0.5],
    ['maxRetryIntervalSeconds', -1],
    ['requestTimeoutSeconds', Number.NaN],
    ['pollIntervalSeconds', 0],
    ['pollIntervalSeconds', Number.POSITIVE_INFINITY],
    ['maxParallelRecovery', '64'],
    ['maxParallelRecoveryPerTarget', 0],
    ['breakerFailures', 2.5],
    ['breakerProbeSeconds', 0],
    ['attentionAfterFailures', -1],
    ['alertRetryLimit', 0],
    ['retentionSeconds', 0],
    ['retentionSeconds', 1e12],
    ['requestTimeoutSeconds', Number.MAX_SAFE_INTEGER],
  ])('%s must not be %s', (name, value) => {
    expect(() => embeddedServer({ store: memoryStore(), [name]: value })).toThrow(DtmConfigError);
    expect(() => embeddedServer({ store: memoryStore(), [name]: value })).toThrow(name);
  });

  it('all have defaults, and pauses can be a part of a second', () => {
    expect(() =>
      embeddedServer({
        store: memoryStore(),
        retryIntervalSeconds: undefined,
        pollIntervalSeconds: 0.1,
        breakerProbeSeconds: 0.1,
        breakerFailures: Number.MAX_SAFE_INTEGER,
        retentionSeconds: 1_000_000_000,
      }),
    ).not.toThrow();
  });
});

async function connectTo(base: string): Promise<Socket> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  // closed by the server, as the test expects
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  return socket;
}
