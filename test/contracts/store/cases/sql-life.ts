import { DtmStoreError } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import { TIME, detailsOf, transactionOf } from '../records.js';
import type { SqlStoreFixture } from '../sql-store-contract.js';

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function expectClosed(store: Store): Promise<void> {
  const calls = [
    store.create(detailsOf('g')),
    store.find('g'),
    store.addBranches('g', 'tcc', []),
    store.update({ status: 'submitted' }, transactionOf('g'), new Map()),
    store.claim(TIME, 'me', () => TIME, 1),
    store.list({}),
    store.prune(TIME, '', 1),
    store.listKv({}),
    store.assertWritable!(),
  ];
  for (const error of await Promise.all(calls.map(errorOf))) {
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(/^the store is closed; the coordinator is stopped, or not started yet/);
  }
}

/** From open() to close(), and servers that cannot be used. */
export function sqlLifeCases(fixture: SqlStoreFixture): void {
  describe('the life cycle of the store', () => {
    it('begins with open(), ends with close(), and can begin again', async () => {
      const store = fixture.newTables().store();
      await expectClosed(store);
      await store.open();
      await store.create(detailsOf('g'));
      await store.close();
      await expectClosed(store);
      await store.open();
      expect(await store.find('g')).toBeDefined();
      await store.close();
    });

    it('open() and close() can be repeated, even concurrently', async () => {
      const store = fixture.newTables().store();
      await Promise.all([store.open(), store.open()]);
      await Promise.all([store.close(), store.close(), store.open(), store.close()]);
      await expectClosed(store);
    });

    it('close() waits for running operations', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      const writes = Array.from({ length: 300 }, (_, index) => store.create(detailsOf(`g${index}`)));
      const reads = Array.from({ length: 30 }, () => store.list({}));
      await store.close();
      expect(await Promise.all(writes)).toEqual(writes.map(() => true));
      await Promise.all(reads);
      expect((await (await fixture.open(tables)).list({ limit: 1000 })).transactions).toHaveLength(300);
    });

    it('close() refuses further writes that follow from one another', async () => {
      const store = await fixture.open(fixture.newTables());
      const chain = async (name: string): Promise<never> => {
        for (let index = 0; ; index++) await store.create(detailsOf(`${name}${index}`));
      };
      const chains = ['a', 'b', 'c'].map(chain).map(errorOf);
      await store.create(detailsOf('first'));
      await store.close();
      for (const error of await Promise.all(chains)) expect(error).toBeInstanceOf(DtmStoreError);
    });

    it('leaves no connection open', async () => {
      const store = await fixture.open(fixture.newTables());
      await Promise.all(Array.from({ length: 20 }, () => store.list({})));
      expect((await fixture.server.connections()).length).toBeGreaterThan(0);
      await store.close();
      // the server ends a session a moment after its client has disconnected
      await expect.poll(() => fixture.server.connections()).toEqual([]);
    });

    it('tells whether the server can write', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      await store.assertWritable!();
      await tables.sql('drop table trans_global');
      const error = await errorOf(store.assertWritable!());
      expect(error).toBeInstanceOf(DtmStoreError);
      expect((error as Error).message).toMatch(/ refused \(/);
    });

    it('uses no more connections than allowed', async () => {
      const store = await fixture.open(fixture.newTables(), { maxConnections: 1 });
      const work = Array.from({ length: 50 }, async (_, index) => {
        await store.create(detailsOf(`g${index}`));
        await store.claim(TIME, 'me', () => TIME + 1, 1);
        await store.find(`g${index}`);
      });
      await Promise.all(work);
      await expect.poll(() => fixture.server.connections()).toHaveLength(1);
    });
  });

  describe('a server that cannot be used', () => {
    it('is reported by open(), without the password', async () => {
      for (const change of [{ port: 1 }, { user: 'nobody', password: 'swordfish' }]) {
        const store = fixture.newTables().store(change);
        const error = await errorOf(store.open());
        if (error === undefined) await store.close();
        // a PostgreSQL that trusts local users accepts a wrong password, but not an unknown user
        expect(error).toBeInstanceOf(DtmStoreError);
        expect((error as Error).message).toMatch(
          /cannot be reached \(.*\); start the server, or correct address, user and password/,
        );
        expect((error as Error).message + store.name).not.toContain('swordfish');
        await expectClosed(store);
      }
    });
  });
}
