import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { branchOf, detailsOf, transactionOf } from '../../contracts/store/records.js';
import { mariadb, postgres, type SqlServer, type SqlTables } from '../../contracts/store/sql-servers.js';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { waitUntil } from '../../support/wait-until.js';
import { Branches } from './branches.js';
import { startGo, type RunningCoordinator } from './coordinators.js';

const LONG_REASON = 'no money, and no credit either; '.repeat(200);
const LARGE_PAYLOAD = JSON.stringify({ text: 'ä'.repeat(500_000) });

for (const kind of [postgres, mariadb]) {
  const needs = requireOrSkip(kind.service, 'dtm');
  describe.skipIf(!needs.available)(needs.title(`tables of Go dtm on ${kind.title}`), () => {
    let database: SqlServer;
    let tables: SqlTables;
    let branches: Branches;
    let go: RunningCoordinator | undefined;

    beforeAll(async () => {
      database = await kind.start();
      tables = database.ofGo;
      branches = await Branches.start();
      const first = await startGo(database, { createTables: true });
      // existing rows must survive
      await first.post('submit', {
        gid: 'old',
        trans_type: 'saga',
        steps: [{ action: branches.url('ok'), compensate: '' }],
        payloads: ['{"amount":1}'],
        wait_result: true,
      });
      await first.stop();
      await Promise.all([1, 2, 3].map(() => openAndClose()));
      go = await startGo(database);
    });

    afterAll(async () => {
      await go?.stop();
      await branches?.stop();
      await database?.stop();
    });

    async function openAndClose(): Promise<void> {
      const store = tables.store();
      await store.open();
      await store.close();
    }

    /** Runs a function with a store on the tables. */
    async function withStore<T>(work: (store: ReturnType<SqlTables['store']>) => Promise<T>): Promise<T> {
      const store = tables.store({ migrate: false });
      await store.open();
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    }

    async function ended(gid: string): Promise<{ transaction: Record<string, unknown>; branches: unknown[] }> {
      const read = async () =>
        (await go!.get(`query?gid=${encodeURIComponent(gid)}`)) as Awaited<ReturnType<typeof ended>>;
      await waitUntil(async () => ['succeed', 'failed'].includes(String((await read()).transaction['status'])));
      return read();
    }

    it('keep their rows', async () => {
      const { transaction, branches: rows } = (await withStore((store) => store.find('old')))!;
      expect(transaction).toMatchObject({ gid: 'old', status: 'succeed', options: { waitResult: true } });
      expect(rows.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`)).toEqual([
        '01 compensate prepared',
        '01 action succeed',
      ]);
      expect(Buffer.from(rows[1]!.payload).toString()).toBe('{"amount":1}');
    });

    it('store a payload of a megabyte from both coordinators', async () => {
      const url = branches.url('ok');
      await go!.post('submit', {
        gid: 'large of go',
        trans_type: 'msg',
        steps: [{ action: url }],
        payloads: [LARGE_PAYLOAD],
        wait_result: true,
      });
      await withStore(async (store) => {
        expect(Buffer.from((await store.find('large of go'))!.branches[0]!.payload).toString()).toBe(LARGE_PAYLOAD);
        const now = Date.now();
        await store.create({
          transaction: transactionOf('large of embedded', { transType: 'msg', createTime: now, nextCronTime: now }),
          branches: [branchOf('01', { url, payload: LARGE_PAYLOAD })],
        });
      });
      expect((await ended('large of embedded')).transaction).toMatchObject({ status: 'succeed' });
      expect(branches.of('large of embedded').map(({ body }) => body)).toEqual([LARGE_PAYLOAD]);
      expect(branches.of('large of go').map(({ body }) => body)).toEqual([LARGE_PAYLOAD]);
    });

    it('store long texts from both coordinators', async () => {
      const custom_data = JSON.stringify({ name: 'w', data: Buffer.from('x'.repeat(5000)).toString('base64') });
      const query_prepared = branches.url(`ok?${'q'.repeat(3000)}`);
      await go!.post('prepareWorkflow', { gid: 'w', trans_type: 'workflow', custom_data, query_prepared });
      const req_extra = { status: 'failed', rollback_reason: LONG_REASON, result: 'cmVz'.repeat(2000) };
      await go!.post('submit', { gid: 'w', trans_type: 'workflow', req_extra });
      await withStore(async (store) => {
        expect((await store.find('w'))?.transaction).toMatchObject({
          status: 'failed',
          customData: custom_data,
          queryPrepared: query_prepared,
          rollbackReason: LONG_REASON,
          result: req_extra.result,
        });
        const headers = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, 'v'.repeat(50)]));
        const change = { status: 'failed', rollbackReason: LONG_REASON, options: { branchHeaders: headers } } as const;
        await store.create(detailsOf('embedded', change));
      });
      const { transaction } = await ended('embedded');
      expect(transaction['rollback_reason']).toBe(LONG_REASON);
      expect(String(transaction['options'])).toContain('"x-99"');
    });

    it('distinguish gids that differ only in case or blanks, for both coordinators', async () => {
      const gids = ['Order', 'order', 'ORDER', 'ordér', 'order ', 'order  '];
      await withStore(async (store) => {
        const final = (gid: string) => detailsOf(gid, { status: 'succeed', rollbackReason: `of ${gid}` });
        for (const gid of gids) expect(await store.create(final(gid))).toBe(true);
      });
      for (const gid of gids) {
        const { transaction, branches: rows } = await ended(gid);
        expect([transaction['gid'], transaction['rollback_reason'], rows.length]).toEqual([gid, `of ${gid}`, 2]);
      }
      for (const gid of ['Pay', 'pay']) {
        const steps = [{ action: branches.url('ok') }];
        await go!.post('submit', { gid, trans_type: 'msg', steps, payloads: ['{}'], wait_result: true });
      }
      expect(await withStore(async (store) => (await store.find('pay'))?.branches.length)).toBe(1);
    });

    it('have the columns of the tables that the store creates', async () => {
      const made = database.newTables();
      const store = made.store();
      await store.open();
      await store.close();
      expect(await columnsOf(tables)).toEqual(await columnsOf(made));
    });

    async function columnsOf(place: SqlTables): Promise<string[]> {
      const current = kind === postgres ? 'current_schema()' : 'database()';
      const rows = await place.sql(
        `select table_name as t, column_name as c, data_type as d, datetime_precision as p, is_nullable as n,
           character_maximum_length as l, collation_name as o
         from information_schema.columns where table_schema = ${current}
           and table_name in ('trans_global', 'trans_branch_op', 'kv')
           -- Go dtm makes this column wider; the values are short
           and not (table_name = 'trans_global' and column_name = 'status')`,
      );
      return rows.map((row) => JSON.stringify(row)).toSorted();
    }
  });
}
