import { DtmStoreError } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TIME, branchOf, detailsOf, transactionOf } from '../../contracts/store/records.js';
import { mariadb, postgres, type SqlServer, type SqlTables } from '../../contracts/store/sql-servers.js';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { waitUntil } from '../../support/wait-until.js';
import { DisconnectingProxy } from './disconnecting-proxy.js';

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const result = await promise.then(
    (value) => `it answered ${String(value)}`,
    (error: unknown) => error,
  );
  expect(result).toBeInstanceOf(DtmStoreError);
  return (result as Error).message;
}

const UNKNOWN = /was lost before it answered \(.*\); the outcome is unknown, check it before you try again/;

for (const kind of [postgres, mariadb]) {
  const needs = requireOrSkip(kind.service);
  describe.skipIf(!needs.available)(needs.title(`faults of ${kind.title}`), () => {
    let database: SqlServer;
    beforeAll(async () => {
      database = await kind.start();
    });
    afterAll(() => database?.stop());

    describe('a cut connection', () => {
      /** A store behind a proxy, on one connection with prepared statements, and a direct store for comparison. */
      async function behindProxy(): Promise<{ store: Store; direct: Store; proxy: DisconnectingProxy }> {
        const tables = database.newTables();
        const direct = tables.store();
        await direct.open();
        const proxy = await DisconnectingProxy.start(database);
        const store = tables.store({ port: proxy.port, maxConnections: 1 });
        await store.open();
        onTestFinished(async () => {
          await store.close();
          await direct.close();
          await proxy.stop();
        });
        await store.create(detailsOf('warm'));
        await store.update({ status: 'submitted' }, transactionOf('warm'), new Map([[1, branchOf('01')]]));
        await store.find('warm');
        return { store, direct, proxy };
      }

      const succeeded = new Map([[1, branchOf('01', { status: 'succeed' })]]);

      it('after the commit of an update causes an error, and the update is stored', async () => {
        const { store, direct, proxy } = await behindProxy();
        await direct.create(detailsOf('cut-here'));
        proxy.cutAt('cut-here', 'after');
        const next = transactionOf('cut-here', { status: 'succeed' });
        expect(await failureOf(store.update({ status: 'submitted' }, next, succeeded))).toMatch(UNKNOWN);
        expect(proxy.cuts).toBe(1);
        expect(await direct.find('cut-here')).toMatchObject({
          transaction: { status: 'succeed' },
          branches: [{}, { status: 'succeed' }],
        });
        // a retry finds that the update is done
        expect(await store.update({ status: 'submitted' }, next, succeeded)).toBe(false);
      });

      it('before an update reaches the server causes an error, and nothing is stored', async () => {
        const { store, direct, proxy } = await behindProxy();
        await direct.create(detailsOf('cut-here'));
        proxy.cutAt('cut-here', 'before');
        const next = transactionOf('cut-here', { status: 'succeed' });
        expect(await failureOf(store.update({ status: 'submitted' }, next, succeeded))).toMatch(UNKNOWN);
        expect(await direct.find('cut-here')).toEqual(detailsOf('cut-here'));
        expect(await store.update({ status: 'submitted' }, next, succeeded)).toBe(true);
      });

      it('after the commit of a group causes an error for each of its writes, and all are stored', async () => {
        const { store, direct, proxy } = await behindProxy();
        const gids = ['g1', 'g2', 'g3'];
        proxy.cutAt(kind === postgres ? 'g2' : 'commit', 'after');
        const creations = gids.map((gid) => failureOf(store.create(detailsOf(gid))));
        for (const message of await Promise.all(creations)) expect(message).toMatch(UNKNOWN);
        for (const gid of gids) expect(await direct.find(gid)).toEqual(detailsOf(gid));
        expect(proxy.cuts).toBe(1);
      });

      it('during the commit of a claim causes an error; the lease expires', async () => {
        const { store, direct, proxy } = await behindProxy();
        // "begin" contains READ COMMITTED
        proxy.cutAt(kind === postgres ? 'commit\0' : 'commit', 'after');
        expect(await failureOf(store.claim(TIME, 'me', () => TIME + 13_000, 10))).toMatch(/the outcome is unknown/);
        expect((await direct.find('warm'))?.transaction).toMatchObject({ owner: 'me', nextCronTime: TIME + 13_000 });
        expect(await store.claim(TIME + 13_000, 'you', () => TIME + 26_000, 10)).toHaveLength(1);
      });

      it('within a transaction causes no error: the store retries the rolled-back transaction', async () => {
        const { store, direct, proxy } = await behindProxy();
        proxy.cutAt('me-me-me', 'after');
        expect(await store.claim(TIME, 'me-me-me', () => TIME + 13_000, 10)).toHaveLength(1);
        expect(proxy.cuts).toBe(1);
        expect((await direct.find('warm'))?.transaction.owner).toBe('me-me-me');
      });

      it('during a read causes no error: the store reads again', async () => {
        const { store, proxy } = await behindProxy();
        proxy.cutAt('warm', 'after');
        expect(await store.find('warm')).toBeDefined();
        expect(proxy.cuts).toBe(1);
      });

      it('while idle has no effect', async () => {
        const tables = database.newTables();
        const store = tables.store();
        await store.open();
        onTestFinished(() => store.close());
        for (let round = 0; round < 5; round++) {
          await Promise.all(Array.from({ length: 20 }, () => store.list({})));
          await endConnections();
          expect(await store.create(detailsOf(`g${round}`))).toBe(true);
        }
      });
    });

    it('tells that it cannot write while the server is down', async () => {
      const store = database.newTables().store();
      await store.open();
      onTestFinished(() => store.close());
      await store.assertWritable!();
      await database.kill();
      // the first connections end, the next cannot be opened
      await waitUntil(() => store.assertWritable!().then(() => false, isUnreachable));
      await database.restart();
      await waitUntil(() =>
        store.assertWritable!().then(
          () => true,
          () => false,
        ),
      );
    });

    it('refuses writes while the server is read-only, and continues on new connections', async () => {
      const tables = database.newTables();
      const operate = async (...statements: string[]): Promise<void> => {
        for (const statement of statements) await tables.sql(statement);
      };
      const setReadOnly = (isReadOnly: boolean): Promise<void> =>
        kind === postgres
          ? operate(
              `alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
              'select pg_reload_conf()',
            )
          : operate(`set global read_only = ${isReadOnly ? 1 : 0}`);
      // a user without the right to write to a read-only server
      const user = { user: 'app', password: 'app' };
      if (kind === mariadb) {
        await operate(
          `create user app@'127.0.0.1' identified by 'app'`,
          `grant select, insert, update, delete, create, alter, index on *.* to app@'127.0.0.1'`,
        );
      }
      const store = tables.store({ maxConnections: 1, ...(kind === mariadb && user) });
      await store.open();
      onTestFinished(() => store.close());
      onTestFinished(() => setReadOnly(false));
      expect(await store.create(detailsOf('before'))).toBe(true);
      await setReadOnly(true);
      // PostgreSQL reads its configuration a moment later
      await waitUntil(() => store.assertWritable!().then(() => false, isRefused));
      await expect(store.create(detailsOf('refused'))).rejects.toThrow(
        / refused \(.*read-only.*\); nothing was stored/,
      );
      await setReadOnly(false);
      await waitUntil(() =>
        store.assertWritable!().then(
          () => true,
          () => false,
        ),
      );
      expect(await store.create(detailsOf('refused'))).toBe(true);
    });

    /** Ends the connections of the stores, as an administrator or a restart does. */
    async function endConnections(): Promise<void> {
      const ids = await database.connections();
      const end =
        kind === postgres ? (id: number) => `select pg_terminate_backend(${id})` : (id: number) => `kill ${id}`;
      for (const id of ids) await database.ofGo.sql(end(id)).catch(() => undefined);
      await waitUntil(async () => {
        const left = await database.connections();
        return !left.some((id) => ids.includes(id));
      });
    }

    it.each<[string, () => Promise<void>]>([
      ['the connections are ended', endConnections],
      [
        'the server is killed',
        async () => {
          await database.kill();
          await database.restart();
        },
      ],
      ...(kind === postgres
        ? ([
            [
              'a server process is killed',
              async () => void process.kill((await database.connections())[0]!, 'SIGKILL'),
            ],
          ] as [string, () => Promise<void>][])
        : []),
    ])('when %s under load, every answer is correct', async (_, fault) => {
      const tables = database.newTables();
      const store = tables.store();
      await store.open();
      onTestFinished(() => store.close());
      const answers = await load(store, tables, fault);
      const kinds = { kept: 0, refused: 0, unknown: 0 };
      for (const [gid, answer] of answers) {
        const found = await store.find(gid);
        if (answer === true) {
          kinds.kept++;
          expect(found, gid).toMatchObject({
            transaction: { status: 'succeed' },
            branches: [{}, { status: 'succeed' }],
          });
        } else if (/nothing was stored/.test(answer)) {
          kinds.refused++;
          expect(['submitted', undefined], gid).toContain(found?.transaction.status);
        } else {
          kinds.unknown++;
          expect(answer).toMatch(UNKNOWN);
        }
        // a write is stored completely or not at all
        if (found) expect(found.branches, gid).toHaveLength(2);
        expect(found?.branches[1]?.status === 'succeed', gid).toBe(found?.transaction.status === 'succeed');
      }
      expect(kinds.kept).toBeGreaterThan(0);
      // the store retries a transaction whose connection ends, so there may be no errors
      if (fault !== endConnections) expect(kinds.refused + kinds.unknown).toBeGreaterThan(0);
    });

    /** Creates and finishes transactions before, during and after the fault; returns true or the error for each. */
    async function load(
      store: Store,
      tables: SqlTables,
      fault: () => Promise<void>,
    ): Promise<ReadonlyMap<string, true | string>> {
      const answers = new Map<string, true | string>();
      const progress = { isOver: false };
      let count = 0;
      const work = async (): Promise<void> => {
        while (!progress.isOver) {
          const gid = `g${count++}`;
          try {
            expect(await store.create(detailsOf(gid))).toBe(true);
            const done = transactionOf(gid, { status: 'succeed' });
            const branches = new Map([[1, branchOf('01', { status: 'succeed' })]]);
            expect(await store.update({ status: 'submitted' }, done, branches)).toBe(true);
            answers.set(gid, true);
          } catch (error) {
            expect(error).toBeInstanceOf(DtmStoreError);
            answers.set(gid, (error as Error).message);
            await new Promise((resolve) => void setTimeout(resolve, 10));
          }
        }
      };
      const workers = Promise.all(Array.from({ length: 32 }, work));
      await waitUntil(() => answers.size > 200);
      await fault();
      // the store recovers by itself
      await waitUntil(() =>
        store.list({ limit: 1 }).then(
          () => true,
          () => false,
        ),
      );
      const before = answers.size;
      await waitUntil(() => answers.size > before + 200);
      progress.isOver = true;
      await workers;
      await tables.sql('select 1');
      return answers;
    }
  });
}

function isUnreachable(error: unknown): boolean {
  return error instanceof DtmStoreError && error.message.includes('cannot be reached');
}

function isRefused(error: unknown): boolean {
  return error instanceof DtmStoreError && error.message.includes('refused');
}
