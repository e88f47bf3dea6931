import { embeddedServer, type Store } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { branchOf, transactionOf } from '../../contracts/store/records.js';
import { mariadb, postgres, type SqlServer } from '../../contracts/store/sql-servers.js';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { RecordingLogger } from '../../support/recording-logger.js';
import { waitUntil } from '../../support/wait-until.js';
import { Branches } from './branches.js';
import { startGo } from './coordinators.js';
import { DisconnectingProxy } from './disconnecting-proxy.js';

const COUNT = 200;
const gids = Array.from({ length: COUNT }, (_, index) => `g${index}`);

for (const kind of [postgres, mariadb]) {
  const needs = requireOrSkip(kind.service);
  describe.skipIf(!needs.available)(needs.title(`several coordinators on one ${kind.title}`), () => {
    let database: SqlServer;
    let branches: Branches;

    beforeAll(async () => {
      database = await kind.start();
      branches = await Branches.start();
    });
    afterAll(async () => {
      await branches?.stop();
      await database?.stop();
    });

    /** Stores due sagas with two steps, as a crashed coordinator leaves them. */
    async function leaveSagas(store: Store, prefix: string): Promise<void> {
      const now = Date.now();
      const url = branches.url('ok');
      const creations = gids.map((gid) =>
        store.create({
          transaction: transactionOf(prefix + gid, { createTime: now, updateTime: now, nextCronTime: now }),
          branches: ['01', '02'].flatMap((id) => [branchOf(id, { op: 'compensate', url }), branchOf(id, { url })]),
        }),
      );
      expect(await Promise.all(creations)).toEqual(gids.map(() => true));
    }

    async function startOne(store: Store, requestTimeoutSeconds = 3): Promise<RecordingLogger> {
      const logger = new RecordingLogger();
      const server = embeddedServer({ store, logger, pollIntervalSeconds: 0.05, requestTimeoutSeconds });
      await server.open();
      server.recover();
      onTestFinished(() => server.close());
      return logger;
    }

    async function allSucceeded(store: Store, prefix: string): Promise<boolean> {
      const found = await Promise.all(gids.map((gid) => store.find(prefix + gid)));
      return found.every((details) => details?.transaction.status === 'succeed');
    }

    async function opened(store: Store): Promise<Store> {
      await store.open();
      onTestFinished(() => store.close());
      return store;
    }

    function expectEachOnce(prefix: string): void {
      for (const gid of gids) expect(branches.succeeded(prefix + gid)).toEqual(['01 action', '02 action']);
    }

    it('two embedded coordinators call each branch of 200 transactions once', async () => {
      const store = await opened(database.ofGo.store());
      await leaveSagas(store, 'two-');
      const loggers = await Promise.all([startOne(database.ofGo.store()), startOne(database.ofGo.store())]);
      await waitUntil(() => allSucceeded(store, 'two-'));
      expectEachOnce('two-');
      for (const logger of loggers) expect(logger.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    });

    it('two embedded coordinators call each branch once when both receive each of 200 submits', async () => {
      const servers = [database.ofGo.store(), database.ofGo.store()].map((store) =>
        embeddedServer({ store, logger: new RecordingLogger(), pollIntervalSeconds: 0.05, requestTimeoutSeconds: 30 }),
      );
      for (const server of servers) {
        await server.open();
        server.recover();
        onTestFinished(() => server.close());
      }
      const action = branches.url('ok');
      const steps = [{ action }, { action }];
      const submit = (gid: string, index: number): Promise<void> =>
        servers[index % 2]!.submit({ gid, transType: 'saga', steps, payloads: ['{}', '{}'] });
      // each gid goes to both: one takes the transaction, the other finds it stored, or finished
      const results = await Promise.all(
        gids.map((gid, index) => Promise.allSettled([submit(`both-${gid}`, index), submit(`both-${gid}`, index + 1)])),
      );
      for (const pair of results) expect(pair.map(({ status }) => status)).toContain('fulfilled');
      const store = await opened(database.ofGo.store());
      await waitUntil(() => allSucceeded(store, 'both-'));
      expectEachOnce('both-');
    });

    it('an embedded coordinator continues the transaction of another one that lost the database', async () => {
      const store = await opened(database.ofGo.store());
      const proxy = await DisconnectingProxy.start(database);
      onTestFinished(() => proxy.stop());
      const first = await startOne(database.ofGo.store({ port: proxy.port, maxConnections: 3 }), 1);
      const now = Date.now();
      await store.create({
        transaction: transactionOf('orphan', { createTime: now, updateTime: now, nextCronTime: now }),
        branches: ['ok', 'gated'].flatMap((path, index) => [
          branchOf(`0${index + 1}`, { op: 'compensate', url: '' }),
          branchOf(`0${index + 1}`, { url: branches.url(path) }),
        ]),
      });
      branches.holdGate();
      await waitUntil(() => branches.of('orphan').some(({ branch }) => branch === '02 action'));
      await proxy.stop();
      branches.isOpen = true;
      branches.releaseGate();
      await startOne(database.ofGo.store(), 1);
      await waitUntil(async () => (await store.find('orphan'))?.transaction.status === 'succeed');
      expect(branches.of('orphan').map(({ branch }) => branch)).toEqual(['01 action', '02 action', '02 action']);
      expect(first.of('error')).toContain('transaction could not be processed');
    });
  });

  const withGo = requireOrSkip(kind.service, 'dtm');
  describe.skipIf(!withGo.available)(withGo.title(`the embedded coordinator beside Go dtm on ${kind.title}`), () => {
    it('call each branch once, and each handles some transactions', async () => {
      const database = await kind.start();
      const branches = await Branches.start();
      onTestFinished(async () => {
        await branches.stop();
        await database.stop();
      });
      const store = database.ofGo.store();
      await store.open();
      const go = await startGo(database);
      onTestFinished(async () => {
        await go.stop();
        await store.close();
      });
      const server = embeddedServer({
        store: database.ofGo.store(),
        logger: new RecordingLogger(),
        pollIntervalSeconds: 0.05,
        // one at a time, as Go dtm does
        maxParallelRecovery: 1,
      });
      await server.open();
      onTestFinished(() => server.close());
      const url = branches.url('ok');
      const now = Date.now();
      await Promise.all(
        gids.map((gid) =>
          store.create({
            transaction: transactionOf(gid, { transType: 'msg', createTime: now, updateTime: now, nextCronTime: now }),
            branches: [branchOf('01', { url }), branchOf('02', { url })],
          }),
        ),
      );
      await waitUntil(async () => (await store.list({ status: 'succeed', limit: 1 })).transactions.length > 0);
      server.recover();
      await waitUntil(async () => (await store.list({ status: 'submitted', limit: 1 })).transactions.length === 0);
      for (const gid of gids) expect(branches.succeeded(gid)).toEqual(['01 action', '02 action']);
      // the embedded coordinator clears the owner at the end, Go dtm leaves it
      const { transactions } = await store.list({ limit: 1000 });
      const owned = transactions.filter(({ owner }) => owner !== undefined).length;
      expect(owned).toBeGreaterThan(0);
      expect(owned).toBeLessThan(COUNT);
    });
  });
}
