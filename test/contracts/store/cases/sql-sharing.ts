import type { Store } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../../support/wait-until.js';
import { TIME, branchOf, detailsOf, transactionOf } from '../records.js';
import type { SqlStoreFixture } from '../sql-store-contract.js';
import { wakeAll } from '../wake-all.js';
import { waiting } from './sql-writes.js';

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Several coordinators share the tables. */
export function sqlSharingCases(fixture: SqlStoreFixture): void {
  describe('stores that share their tables', () => {
    /** Two stores on the same tables. */
    async function pair(): Promise<{ a: Store; b: Store; both: readonly [Store, Store] }> {
      const tables = fixture.newTables();
      const [a, b] = [await fixture.open(tables), await fixture.open(tables)];
      return { a, b, both: [a, b] };
    }

    it('see the writes of one another at once', async () => {
      const { a, b } = await pair();
      await a.create(detailsOf('g'));
      expect(await b.find('g')).toEqual(detailsOf('g'));
      await b.update({ status: 'submitted' }, transactionOf('g', { status: 'aborting' }), new Map());
      expect((await a.find('g'))?.transaction.status).toBe('aborting');
    });

    it('create a gid once', async () => {
      const { both } = await pair();
      for (const gid of range(20).map(String)) {
        const results = await Promise.all(range(10).map((index) => both[index % 2]!.create(detailsOf(gid))));
        expect(results.filter(Boolean)).toHaveLength(1);
      }
    });

    it('change a status once', async () => {
      const { a, both } = await pair();
      for (const gid of range(20).map(String)) {
        await a.create(detailsOf(gid, { status: 'prepared' }));
        const results = await Promise.all(
          range(10).map((index) =>
            both[index % 2]!.update(
              { status: 'prepared' },
              transactionOf(gid, { status: index < 5 ? 'submitted' : 'aborting', retryCount: index }),
              new Map(),
            ),
          ),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        expect((await a.find(gid))?.transaction.retryCount).toBe(results.indexOf(true));
      }
    });

    it('change a status once, with many concurrent changes', async () => {
      const { a, both } = await pair();
      for (const round of range(5)) {
        const gids = range(60).map((index) => `g${round}-${index}`);
        await Promise.all(gids.map((gid) => a.create(detailsOf(gid, { status: 'prepared' }))));
        const [first, second] = await Promise.all(
          both.map((store, index) => {
            const next = { status: index ? 'aborting' : 'submitted', retryCount: index } as const;
            const branches = new Map([[1, branchOf('01', { attempts: index })]]);
            return Promise.all(
              gids.map((gid) => store.update({ status: 'prepared' }, transactionOf(gid, next), branches)),
            );
          }),
        );
        expect(first!.map((won, index) => won !== second![index])).toEqual(gids.map(() => true));
        for (const [index, gid] of gids.entries()) {
          const winner = first![index] ? 0 : 1;
          const found = await a.find(gid);
          expect([found?.transaction.retryCount, found?.branches[1]?.attempts]).toEqual([winner, winner]);
        }
      }
    });

    it('either register a branch before the submit in the other store, or refuse it', async () => {
      const { a, b } = await pair();
      const counts = { added: 0, refused: 0, duplicate: 0, tooMany: 0, tooLarge: 0 };
      for (const gid of range(60).map(String)) {
        const prepared = transactionOf(gid, { transType: 'tcc', status: 'prepared' });
        await a.create({ transaction: prepared, branches: [] });
        const submit = (): Promise<boolean> =>
          b.update({ status: 'prepared' }, { ...prepared, status: 'submitted' }, new Map());
        const register = (): ReturnType<Store['addBranches']> => a.addBranches(gid, 'tcc', [branchOf('01')]);
        const [first, second] = Number(gid) % 2 ? [register(), submit()] : [submit(), register()];
        const result = (await Promise.all([first, second])).find((answer) => typeof answer === 'string')!;
        counts[result]++;
        // no branch can be added after the submitter has read the branches
        expect((await b.find(gid))?.branches).toHaveLength(result === 'added' ? 1 : 0);
      }
      expect(counts.duplicate).toBe(0);
    });

    it('refuse a branch when the earlier submit is committed', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      await store.create({ transaction: transactionOf('g', { transType: 'tcc', status: 'prepared' }), branches: [] });
      const result = await tables.alone(async (sql) => {
        await sql('begin');
        await sql(`update trans_global set status = 'submitted' where gid = 'g'`);
        const registration = store.addBranches('g', 'tcc', [branchOf('01')]);
        let isAnswered = false;
        void registration.finally(() => {
          isAnswered = true;
        });
        await waitUntil(async () => isAnswered || (await waiting(tables)) > 0);
        await sql('commit');
        return registration;
      });
      expect(result).toBe('refused');
      expect((await store.find('g'))?.branches).toEqual([]);
    });

    it('claim each due transaction once in concurrent claims', async () => {
      const tables = fixture.newTables();
      const stores = await Promise.all(range(4).map(() => fixture.open(tables)));
      await Promise.all(range(300).map((index) => stores[0]!.create(detailsOf(`g${index}`))));
      const claimed = await Promise.all(
        stores.map(async (store, index) => {
          const gids: string[] = [];
          for (;;) {
            const some = await store.claim(TIME, `owner${index}`, () => TIME + 13_000, 7);
            if (some.length === 0) return gids;
            gids.push(...some.map(({ transaction }) => transaction.gid));
          }
        }),
      );
      expect(claimed.flat()).toHaveLength(300);
      expect(new Set(claimed.flat()).size).toBe(300);
    });

    it('claim, wake and prune thousands of transactions in one call', async () => {
      const { a, b } = await pair();
      const gids = range(2500).map((index) => `g${index}`);
      await Promise.all(gids.map((gid) => a.create(detailsOf(gid, { nextCronTime: TIME + 50 }))));
      expect(await wakeAll(a, TIME, { laterThan: TIME, limit: 10_000 })).toBe(2500);
      const claimed = await b.claim(TIME, 'b', () => TIME + 1, 10_000);
      expect(claimed.filter(({ branches }) => branches.length === 2)).toHaveLength(2500);
      expect((await a.find('g2499'))?.transaction.owner).toBe('b');
      const done = gids.map((gid) =>
        b.update({ status: 'submitted', owner: 'b' }, transactionOf(gid, { status: 'succeed' }), new Map()),
      );
      expect(new Set(await Promise.all(done))).toEqual(new Set([true]));
      expect(await a.prune(TIME + 1, '', 10_000)).toEqual({ count: 2500, nextPosition: '' });
      expect((await a.list({})).transactions).toEqual([]);
    });

    it('skip a locked transaction in a claim', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      for (const gid of ['g1', 'g2', 'g3']) await store.create(detailsOf(gid));
      const claim = async (): Promise<string[]> =>
        (await store.claim(TIME, 'me', () => TIME + 1, 10)).map(({ transaction }) => transaction.gid).toSorted();
      await tables.alone(async (sql) => {
        await sql('begin');
        await sql(`select id from trans_global where gid = 'g2' for update`);
        expect(await claim()).toEqual(['g1', 'g3']);
        await sql('rollback');
      });
      expect(await claim()).toEqual(['g2']);
    });

    it('leave a transaction with a named branch to the application of that name', async () => {
      const store = await fixture.open(fixture.newTables());
      const urls = {
        bank: 'app://bank/out',
        shop: 'app://shop/sell',
        bank2: 'app://bank.2/out',
        unnamed: 'app:///out',
        http: 'http://bank/out',
      };
      for (const [gid, url] of Object.entries(urls)) {
        await store.create({ transaction: transactionOf(gid), branches: [branchOf('01'), branchOf('02', { url })] });
      }
      await store.create({
        transaction: transactionOf('ask', { transType: 'msg', status: 'prepared', queryPrepared: 'app://shop/ask' }),
        branches: [branchOf('01')],
      });
      const claim = async (application?: string): Promise<string[]> =>
        (await store.claim(TIME, 'me', () => TIME, 10, undefined, application))
          .map(({ transaction }) => transaction.gid)
          .toSorted();
      expect(await claim('bank')).toEqual(['bank', 'http']);
      expect(await claim('shop')).toEqual(['ask', 'http', 'shop']);
      expect(await claim('bank.2')).toEqual(['bank2', 'http']);
      expect(await claim()).toEqual(['http', 'unnamed']);
    });

    it('take over from one another after the lease, not before', async () => {
      const { a, b } = await pair();
      await a.create(detailsOf('g'));
      await a.claim(TIME, 'a', () => TIME + 13_000, 1);
      expect(await b.claim(TIME + 12_999, 'b', () => TIME, 1)).toEqual([]);
      expect(await b.claim(TIME + 13_000, 'b', () => TIME + 26_000, 1)).toHaveLength(1);
      expect(await a.update({ status: 'submitted', owner: 'a' }, transactionOf('g'), new Map())).toBe(false);
      expect(await b.update({ status: 'submitted', owner: 'b' }, transactionOf('g'), new Map())).toBe(true);
    });

    it('accept each version of a key-value record once', async () => {
      const { both } = await pair();
      for (const version of range(10).map((index) => index + 1)) {
        const results = await Promise.all(
          range(6).map((index) =>
            both[index % 2]!.putKv({
              category: 'topics',
              key: 'a',
              value: `[${index}]`,
              version,
              createTime: TIME,
              updateTime: TIME,
            }),
          ),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        expect((await both[0].getKv('topics', 'a'))?.value).toBe(`[${results.indexOf(true)}]`);
      }
    });

    it('prune concurrently, and delete nothing of a gid that is in use again', async () => {
      const { a, b, both } = await pair();
      const old = { status: 'succeed', createTime: TIME, updateTime: TIME } as const;
      const gids = range(40).map((index) => `g${index}`);
      await Promise.all(gids.map((gid) => a.create(detailsOf(gid, old))));
      const again = async (gid: string): Promise<void> => {
        while (!(await b.create(detailsOf(gid, { createTime: TIME + 500, updateTime: TIME + 500 })))) {
          await new Promise((resolve) => void setImmediate(resolve));
        }
      };
      const prunes = range(8).map((index) => both[index % 2]!.prune(TIME + 100, '', 100));
      await Promise.all([...prunes, ...gids.map(again)]);
      expect((await Promise.all(prunes)).reduce((sum, { count }) => sum + count, 0)).toBe(40);
      for (const gid of gids) expect((await a.find(gid))?.branches).toHaveLength(2);
    });
  });

  describe('a transaction that Go dtm has locked', () => {
    const locked = async (owner: string): Promise<Store> => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      await store.create(detailsOf('g', { nextCronTime: TIME + 10_000, updateTime: TIME }));
      await tables.sql(`update trans_global set owner = '${owner}' where gid = 'g'`);
      return store;
    };

    it('is claimed after its lease', async () => {
      const store = await locked('PzABXX8bmaWPjFCQAVDVRo');
      expect((await store.find('g'))?.transaction.owner).toBe('PzABXX8bmaWPjFCQAVDVRo');
      expect(await store.claim(TIME + 9_999, 'me', () => TIME, 1)).toEqual([]);
      expect(await store.claim(TIME + 10_000, 'me', () => TIME + 20_000, 1)).toHaveLength(1);
      expect(await store.update({ status: 'submitted', owner: 'me' }, transactionOf('g'), new Map())).toBe(true);
    });

    it('is woken a minute after its last update, because Go dtm never clears the owner', async () => {
      const store = await locked('PzABXX8bmaWPjFCQAVDVRo');
      const wake = (now: number): Promise<number> => wakeAll(store, now, { gid: 'g', laterThan: TIME, limit: 1 });
      const leases = { endingAfter: TIME };
      expect(await wakeAll(store, TIME, { gid: 'g', laterThan: TIME, limit: 1, leases })).toBe(0);
      expect(await wake(TIME + 60_000)).toBe(0);
      expect(await wake(TIME + 60_001)).toBe(1);
    });

    it('is distinguished from one that this package has locked, which is never woken', async () => {
      const store = await fixture.open(fixture.newTables());
      await store.create(detailsOf('g', { owner: 'ours', nextCronTime: TIME + 600_000, updateTime: TIME }));
      expect(await wakeAll(store, TIME + 300_000, { gid: 'g', laterThan: TIME, limit: 1 })).toBe(0);
    });
  });
}
