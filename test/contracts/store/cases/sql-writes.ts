import { setTimeout as sleep } from 'node:timers/promises';
import { DtmStoreError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../../support/wait-until.js';
import { TIME, branchOf, detailsOf, transactionOf } from '../records.js';
import type { SqlStoreFixture } from '../sql-store-contract.js';
import { wakeAll } from '../wake-all.js';

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Writes that share a statement, and values that a database cannot store unchanged. */
export function sqlWriteCases(fixture: SqlStoreFixture): void {
  describe('concurrent writes', () => {
    it('are all stored, each with its own result', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      for (const index of range(100)) await store.create(detailsOf(`old${index}`, { owner: 'me' }));
      const [created, updated, added] = await Promise.all([
        Promise.all(range(200).map((index) => store.create(detailsOf(index % 2 ? `old${index}` : `new${index}`)))),
        Promise.all(
          range(200).map((index) =>
            store.update(
              { status: index % 3 ? 'submitted' : 'prepared', owner: index % 5 ? 'me' : 'you' },
              transactionOf(`old${index}`, { retryCount: index }),
              new Map([[1, branchOf('01', { status: 'succeed', attempts: index })]]),
            ),
          ),
        ),
        Promise.all(range(100).map((index) => store.addBranches(`old${index}`, 'saga', [branchOf('02')]))),
      ]);
      expect(created).toEqual(range(200).map((index) => index % 2 === 0 || index >= 100));
      const isUpdated = (index: number): boolean => index < 100 && index % 3 !== 0 && index % 5 !== 0;
      expect(updated).toEqual(range(200).map(isUpdated));
      expect(new Set(added)).toEqual(new Set(['refused']));
      for (const index of range(100)) {
        const found = await store.find(`old${index}`);
        expect([found?.transaction.retryCount, found?.branches.map(({ attempts }) => attempts)]).toEqual(
          isUpdated(index) ? [index, [undefined, index]] : [undefined, [undefined, undefined]],
        );
      }
    });

    it('are rejected alone when they are invalid, and leave nothing behind', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      // as if a transaction was deleted without its branches
      await tables.sql(
        `insert into trans_branch_op (gid, url, branch_id, op, status) values ('bad', '', '01', 'action', 'prepared')`,
      );
      const gids = [...range(20).map((index) => `g${index}`), 'bad', ...range(20).map((index) => `h${index}`)];
      const results = await Promise.allSettled(gids.map((gid) => store.create(detailsOf(gid))));
      for (const [index, result] of results.entries()) {
        if (gids[index] === 'bad') {
          expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DTM_STORE' } });
          expect((result as PromiseRejectedResult).reason.message).toMatch(/nothing was stored/);
        } else expect(result).toEqual({ status: 'fulfilled', value: true });
      }
      expect(await store.find('bad')).toBeUndefined();
      expect((await store.list({ limit: 100 })).transactions).toHaveLength(40);
    });

    it('of many megabytes are stored', async () => {
      const store = await fixture.open(fixture.newTables());
      const payload = 'ä'.repeat(400_000);
      const branches = range(3).map((index) => branchOf(`0${index + 1}`, { payload }));
      const results = await Promise.all(
        range(20).map((index) => store.create({ transaction: transactionOf(`g${index}`), branches })),
      );
      expect(results).toEqual(range(20).map(() => true));
      expect((await store.find('g19'))?.branches).toEqual(branches);
    });

    it('do not wait for a write whose row is locked', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      for (const index of range(20)) await store.create(detailsOf(`g${index}`));
      const update = (index: number): Promise<boolean> =>
        store.update({ status: 'submitted' }, transactionOf(`g${index}`, { retryCount: 1 }), new Map());
      await tables.alone(async (sql) => {
        await sql('begin');
        await sql(`select id from trans_global where gid = 'g7' for update`);
        const [held, ...others] = await Promise.allSettled([
          update(7),
          ...range(20)
            .filter((i) => i !== 7)
            .map(update),
        ]);
        expect(others).toEqual(range(19).map(() => ({ status: 'fulfilled', value: true })));
        expect(held).toMatchObject({ status: 'rejected', reason: { code: 'DTM_STORE' } });
        expect((held as PromiseRejectedResult).reason.message).toMatch(/nothing was stored/);
      });
      expect((await store.find('g7'))?.transaction.retryCount).toBeUndefined();
      expect(await update(7)).toBe(true);
    });

    it('are repeated when the database sacrifices them to end a deadlock', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      const gids = range(20).map((index) => `g${index}`);
      for (const gid of gids) await store.create(detailsOf(gid));
      const update = (gid: string): Promise<boolean> =>
        store.update({ status: 'submitted' }, transactionOf(gid, { retryCount: 1 }), new Map());
      let results: Promise<boolean[]> | undefined;
      await tables.alone(async (sql) => {
        await sql('begin');
        // its rollback costs more than that of the store
        const rows = range(200).map((index) => `('c', 'k${index}', '')`);
        await sql(`insert into kv (cat, k, v) values ${rows.join(', ')}`);
        await sql(`select id from trans_global where gid in ('g18', 'g19') for update`);
        results = Promise.all(gids.map(update));
        await waitUntil(async () => (await waiting(tables)) > 0);
        // the database sacrifices the transaction of the store
        await sql(`select id from trans_global where gid in ('g0', 'g1') for update`);
        await sql('rollback');
      });
      expect(await results).toEqual(gids.map(() => true));
    });
  });

  describe('values that a database cannot store unchanged', () => {
    it('times beyond its range become its latest time', async () => {
      const store = await fixture.open(fixture.newTables());
      const far = { nextCronTime: 8.64e15, createTime: 0, nextCronInterval: 2 ** 31 - 1 };
      await store.create(detailsOf('g', far));
      const { transaction } = (await store.find('g'))!;
      expect(transaction).toMatchObject({ createTime: 0, nextCronInterval: 2 ** 31 - 1 });
      expect(new Date(transaction.nextCronTime).getUTCFullYear()).toBe(9999);
      expect(await store.claim(TIME, 'me', () => TIME, 10)).toEqual([]);
      expect(await wakeAll(store, TIME, { laterThan: TIME, limit: 10 })).toBe(1);
      expect(await store.claim(TIME, 'me', () => TIME, 10)).toHaveLength(1);
    });

    it('texts for people stay readable with a NUL or broken Unicode', async () => {
      const store = await fixture.open(fixture.newTables());
      await store.create(detailsOf('g', { rollbackReason: 'no\0money \ud800!', attention: 'a\0b' }));
      const lastError = 'boom\0boom \udfff!';
      await store.update({ status: 'submitted' }, transactionOf('g'), new Map([[1, branchOf('01', { lastError })]]));
      expect((await store.find('g'))?.branches[1]?.lastError).toMatch(/^boom.boom \ufffd!$/su);
    });

    it('an invalid gid is not found', async () => {
      const store = await fixture.open(fixture.newTables());
      await store.create(detailsOf('g', { nextCronTime: TIME + 50 }));
      await store.putKv({ category: 'c', key: 'k', value: '1', version: 1, createTime: TIME, updateTime: TIME });
      for (const text of ['g\0', '\0', 'g ', ' g', 'G', "g' or '1'='1", 'g\\']) {
        expect(await store.find(text)).toBeUndefined();
        expect((await store.list({ gid: text })).transactions).toEqual([]);
        expect(await wakeAll(store, TIME, { gid: text, laterThan: TIME, limit: 1 })).toBe(0);
        expect(await wakeAll(store, TIME, { target: text, laterThan: TIME, limit: 1 })).toBe(0);
        expect(await store.getKv('c', text)).toBeUndefined();
        expect((await store.listKv({ key: text })).records).toEqual([]);
      }
    });

    it('truncated options do not stop the transaction, but need attention', async () => {
      const tables = fixture.newTables();
      const store = await fixture.open(tables);
      await store.create(detailsOf('cut', { nextCronTime: TIME - 1 }));
      await store.create(detailsOf('whole'));
      await tables.sql(`update trans_global set options = '{"branch_headers":{"a' where gid = 'cut'`);
      const claimed = await store.claim(TIME, 'me', () => TIME + 1, 10);
      expect(claimed.map(({ transaction }) => transaction.gid)).toEqual(['cut', 'whole']);
      expect(claimed[0]!.transaction).toMatchObject({
        options: {},
        attention: expect.stringMatching(/options cannot/),
      });
      expect(claimed[1]!.transaction.attention).toBeUndefined();
    });

    it('a refused value is reported as a DtmStoreError', async () => {
      const store = await fixture.open(fixture.newTables());
      const error = await store.create(detailsOf('x'.repeat(129))).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DtmStoreError);
      expect((error as Error).message).toMatch(/refused \(.*\); nothing was stored/);
      expect(await store.create(detailsOf('y'))).toBe(true);
    });
  });
}

/** Number of connections that wait for a lock. */
export async function waiting(tables: Parameters<SqlStoreFixture['open']>[0]): Promise<number> {
  return tables.alone(async (sql) => {
    const isPostgres = await sql('select 1 from pg_locks limit 1').then(
      () => true,
      () => false,
    );
    // MariaDB updates this information every 100 ms
    if (!isPostgres) await sleep(150);
    const [row] = await sql(
      isPostgres
        ? `select count(*) as count from pg_locks where not granted`
        : `select count(*) as count from information_schema.innodb_trx where trx_state = 'LOCK WAIT'`,
    );
    return Number(row!['count']);
  });
}
