import {
  DtmArgumentError,
  type BranchRecord,
  type KvRecord,
  type TransactionDetails,
  type TransactionRecord,
} from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeBytes } from './cases/store-bytes.js';
import { TIME, branchOf, detailsOf, transactionOf } from './records.js';
import { wakeAll } from './wake-all.js';

const NO_BRANCHES: ReadonlyMap<number, BranchRecord> = new Map();

/** Texts that databases may confuse or change. */
const GIDS = [
  'order1',
  'order10',
  'order',
  'Order1',
  'ORDER1',
  'ord\u00e9r1',
  'orde\u0301r1',
  "o'1",
  '"o"',
  'o%',
  'o_',
  '😀',
  'a b',
  '--',
  'x'.repeat(128),
];

/** The gids of transactions. */
const gidsOf = (found: readonly { transaction: TransactionRecord }[]): string[] =>
  found.map(({ transaction }) => transaction.gid);

/**
 * The contract of every {@link Store}.
 *
 * @param name - names the store in the titles
 * @param make - makes a new, empty one; called for each test
 */
export function describeStore(name: string, make: () => Store): void {
  describe(name, () => {
    let store: Store;

    beforeEach(async () => {
      store = make();
      await store.open();
    });

    afterEach(() => store.close());

    const found = async (gid: string): Promise<TransactionDetails> => {
      const details = await store.find(gid);
      if (!details) throw new Error(`no transaction ${gid}`);
      return details;
    };

    const claim = (owner = 'me', limit = 100, now = TIME): Promise<TransactionDetails[]> =>
      store.claim(now, owner, () => now + 13_000, limit);

    describeBytes(() => store);

    describe('create and find', () => {
      it('returns a transaction with every field', async () => {
        const transaction: Required<TransactionRecord> = {
          gid: 'g',
          transType: 'tcc',
          status: 'aborting',
          protocol: 'http',
          options: {
            waitResult: true,
            timeoutToFailSeconds: 5,
            requestTimeoutSeconds: 4,
            branchTimeoutSeconds: { 'http://b/a': 30 },
            retryIntervalSeconds: 6,
            retryLimit: 3,
            branchHeaders: { 'x-a': 'b\0ä' },
          },
          queryPrepared: 'http://b/q',
          customData: '{"concurrent":true}',
          createTime: TIME,
          updateTime: TIME + 1,
          finishTime: TIME + 2,
          rollbackTime: TIME + 3,
          rollbackReason: 'no "money" 😀',
          result: 'cmVz',
          nextCronInterval: 20,
          nextCronTime: TIME + 4,
          owner: 'me',
          retryCount: 2,
          concurrent: true,
          attention: 'cancel of branch 01 was refused 3 times: "no"',
        };
        await store.create({ transaction, branches: [] });
        expect(await store.find('g')).toEqual({ transaction, branches: [] });
      });

      it('returns unset fields as unset', async () => {
        await store.create(detailsOf('g'));
        expect(await store.find('g')).toEqual(detailsOf('g'));
      });

      it('returns undefined for an unknown gid', async () => {
        expect(await store.find('nope')).toBeUndefined();
        expect(await store.find('')).toBeUndefined();
      });

      it('refuses a gid that exists and changes nothing', async () => {
        expect(await store.create(detailsOf('g'))).toBe(true);
        expect(await store.create(detailsOf('g', { transType: 'tcc', status: 'prepared' }))).toBe(false);
        expect(await store.find('g')).toEqual(detailsOf('g'));
      });

      it('accepts one of many concurrent creations', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.create(detailsOf('g', { retryCount: index }))),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        expect((await found('g')).transaction.retryCount).toBe(results.indexOf(true));
      });

      it('keeps the order of branches', async () => {
        const branches = ['03', '01', '02', '10', '100'].map((id) => branchOf(id));
        await store.create({ transaction: transactionOf('g'), branches });
        expect((await found('g')).branches.map((branch) => branch.branchId)).toEqual(['03', '01', '02', '10', '100']);
      });

      it.each<[string, string]>([
        ['empty', ''],
        ['JSON', '{"a":"ä😀","n":1.5}'],
        ['quotes and lines', `'"\`\\\r\n\u2028`],
        ['with a NUL', 'a\0b'],
        ['of a megabyte', 'ä'.repeat(500_000)],
      ])('returns a payload of text unchanged, %s', async (_, payload) => {
        await store.create({ transaction: transactionOf('g'), branches: [branchOf('01', { payload })] });
        expect(Buffer.from((await found('g')).branches[0]!.payload).toString()).toBe(payload);
      });

      it.each<[string, Uint8Array]>([
        ['none', new Uint8Array()],
        ['every value', Uint8Array.from({ length: 256 }, (_, value) => value)],
        ['a part of a larger buffer', Uint8Array.from([1, 2, 3, 4]).subarray(1, 3)],
      ])('returns a payload of bytes as bytes: %s', async (_, payload) => {
        await store.create({ transaction: transactionOf('g'), branches: [branchOf('01', { payload })] });
        const stored = (await found('g')).branches[0]!.payload;
        expect(stored).toBeInstanceOf(Uint8Array);
        expect([...(stored as Uint8Array)]).toEqual([...payload]);
      });

      it('returns 10,000 branches in order', async () => {
        const branches = Array.from({ length: 10_000 }, (_, index) =>
          branchOf(String(index), { payload: String(index) }),
        );
        await store.create({ transaction: transactionOf('g'), branches });
        expect((await found('g')).branches).toEqual(branches);
      });
    });

    describe('similar gids', () => {
      it('are distinguished', async () => {
        for (const gid of GIDS)
          expect(
            await store.create({ transaction: transactionOf(gid), branches: [branchOf('01', { payload: gid })] }),
          ).toBe(true);
        for (const gid of GIDS) {
          const { transaction, branches } = await found(gid);
          expect([transaction.gid, branches.length, branches[0]?.payload]).toEqual([gid, 1, gid]);
          expect(gidsOf((await store.list({ gid })).transactions.map((record) => ({ transaction: record })))).toEqual([
            gid,
          ]);
        }
      });

      it('are changed separately', async () => {
        for (const gid of GIDS) await store.create(detailsOf(gid));
        for (const [index, gid] of GIDS.entries()) {
          const changed = new Map([[1, branchOf('01', { status: 'succeed', lastError: gid })]]);
          expect(await store.update({ status: 'submitted' }, transactionOf(gid, { retryCount: index }), changed)).toBe(
            true,
          );
        }
        for (const [index, gid] of GIDS.entries()) {
          const { transaction, branches } = await found(gid);
          expect([transaction.retryCount, branches[1]?.lastError]).toEqual([index, gid]);
        }
      });
    });

    describe('addBranches', () => {
      const prepared = transactionOf('g', { transType: 'tcc', status: 'prepared' });
      const rowsOf = (id: string): BranchRecord[] => [branchOf(id, { op: 'cancel' }), branchOf(id, { op: 'confirm' })];

      it('appends to a prepared transaction', async () => {
        await store.create({ transaction: prepared, branches: [] });
        expect(await store.addBranches('g', 'tcc', rowsOf('01'))).toBe('added');
        expect(await store.addBranches('g', 'tcc', rowsOf('0101'))).toBe('added');
        expect((await found('g')).branches).toEqual([...rowsOf('01'), ...rowsOf('0101')]);
      });

      it('refuses a transaction that is unknown, of another mode, or not prepared', async () => {
        await store.create({ transaction: prepared, branches: [] });
        expect(await store.addBranches('nope', 'tcc', rowsOf('01'))).toBe('refused');
        expect(await store.addBranches('g', 'xa', rowsOf('01'))).toBe('refused');
        for (const status of ['submitted', 'aborting', 'succeed', 'failed'] as const) {
          await store.create({ transaction: { ...prepared, gid: status, status }, branches: [] });
          expect(await store.addBranches(status, 'tcc', rowsOf('01'))).toBe('refused');
          expect((await found(status)).branches).toEqual([]);
        }
      });

      it('refuses a branch and operation that exist, together with the other branches of the call', async () => {
        await store.create({ transaction: prepared, branches: rowsOf('01') });
        expect(await store.addBranches('g', 'tcc', rowsOf('01'))).toBe('duplicate');
        expect(
          await store.addBranches('g', 'tcc', [branchOf('02', { op: 'cancel' }), branchOf('01', { op: 'confirm' })]),
        ).toBe('duplicate');
        expect((await found('g')).branches).toEqual(rowsOf('01'));
      });

      it('distinguishes ids that look like another id with its operation', async () => {
        await store.create({ transaction: prepared, branches: [branchOf('01', { op: 'cancel' })] });
        expect(await store.addBranches('g', 'tcc', [branchOf('01', { op: 'confirm' })])).toBe('added');
        expect(await store.addBranches('g', 'tcc', [branchOf('01 ', { op: 'cancel' })])).toBe('added');
      });

      it('adds a branch once in concurrent calls', async () => {
        await store.create({ transaction: prepared, branches: [] });
        const results = await Promise.all(
          Array.from({ length: 10 }, () => store.addBranches('g', 'tcc', rowsOf('01'))),
        );
        expect(results.toSorted()).toEqual(['added', ...Array.from({ length: 9 }, () => 'duplicate')]);
        expect((await found('g')).branches).toHaveLength(2);
      });

      it('either happens before the transaction leaves prepared, or is refused', async () => {
        await store.create({ transaction: prepared, branches: [] });
        const results = await Promise.all([
          store.addBranches('g', 'tcc', rowsOf('01')),
          store.update({ status: 'prepared' }, { ...prepared, status: 'aborting' }, NO_BRANCHES),
          store.addBranches('g', 'tcc', rowsOf('02')),
        ]);
        expect(results).toEqual(['added', true, 'refused']);
        expect((await found('g')).branches).toEqual(rowsOf('01'));
      });
    });

    describe('update', () => {
      it('replaces the record, and branches by their index', async () => {
        const branches = [
          branchOf('01', { op: 'compensate' }),
          branchOf('01'),
          branchOf('02', { op: 'compensate' }),
          branchOf('02'),
        ];
        await store.create({ transaction: transactionOf('g', { owner: 'me' }), branches });
        const next = transactionOf('g', {
          status: 'aborting',
          rollbackReason: 'no money',
          nextCronTime: TIME + 5,
          updateTime: TIME + 6,
        });
        const failed = branchOf('02', { status: 'failed', finishTime: TIME, attempts: 3, lastError: 'no' });
        expect(await store.update({ status: 'submitted', owner: 'me' }, next, new Map([[3, failed]]))).toBe(true);
        expect(await store.find('g')).toEqual({ transaction: next, branches: [...branches.slice(0, 3), failed] });
      });

      it('can unset fields', async () => {
        await store.create(detailsOf('g', { owner: 'me', rollbackReason: 'x', retryCount: 1, finishTime: TIME }));
        await store.update(
          { status: 'submitted' },
          transactionOf('g'),
          new Map([[1, branchOf('01', { attempts: 1, lastError: 'x' })]]),
        );
        await store.update({ status: 'submitted' }, transactionOf('g'), new Map([[1, branchOf('01')]]));
        expect(await store.find('g')).toEqual(detailsOf('g'));
      });

      it.each<[string, Parameters<Store['update']>[0]]>([
        ['another status', { status: 'prepared' }],
        ['another owner', { status: 'submitted', owner: 'you' }],
        ['another status with the right owner', { status: 'aborting', owner: 'me' }],
      ])('is refused when %s was expected, and changes nothing', async (_, expected) => {
        await store.create(detailsOf('g', { owner: 'me' }));
        const next = transactionOf('g', { status: 'succeed' });
        expect(await store.update(expected, next, new Map([[1, branchOf('01', { status: 'succeed' })]]))).toBe(false);
        expect(await store.find('g')).toEqual(detailsOf('g', { owner: 'me' }));
      });

      it('is refused when an owner is expected and there is none', async () => {
        await store.create(detailsOf('g'));
        expect(await store.update({ status: 'submitted', owner: 'me' }, transactionOf('g'), NO_BRANCHES)).toBe(false);
      });

      it('accepts any owner when none is expected', async () => {
        await store.create(detailsOf('g', { owner: 'you' }));
        expect(await store.update({ status: 'submitted' }, transactionOf('g'), NO_BRANCHES)).toBe(true);
      });

      it('is refused for an unknown gid', async () => {
        expect(await store.update({ status: 'submitted' }, transactionOf('nope'), NO_BRANCHES)).toBe(false);
        expect(await store.find('nope')).toBeUndefined();
      });

      it('changes a status once in concurrent calls', async () => {
        await store.create(detailsOf('g', { status: 'prepared' }));
        const next = (['submitted', 'aborting'] as const).flatMap((status) =>
          Array.from({ length: 10 }, () => transactionOf('g', { status })),
        );
        const results = await Promise.all(
          next.map((record) => store.update({ status: 'prepared' }, record, NO_BRANCHES)),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        expect((await found('g')).transaction.status).toBe(next[results.indexOf(true)]!.status);
      });
    });

    describe('claim', () => {
      it('claims due transactions, the longest due first, and sets owner and lease', async () => {
        await store.create(detailsOf('late', { nextCronTime: TIME - 1 }));
        await store.create(detailsOf('later', { nextCronTime: TIME - 5 }));
        await store.create(detailsOf('now', { nextCronTime: TIME }));
        await store.create(detailsOf('soon', { nextCronTime: TIME + 1 }));
        const claimed = await claim();
        expect(gidsOf(claimed)).toEqual(['later', 'late', 'now']);
        for (const details of claimed) {
          expect(details.transaction).toMatchObject({ owner: 'me', nextCronTime: TIME + 13_000 });
          expect(await store.find(details.transaction.gid)).toEqual(details);
        }
        expect((await found('soon')).transaction).toMatchObject({ nextCronTime: TIME + 1 });
      });

      it('computes the lease of each transaction', async () => {
        await store.create(detailsOf('slow', { options: { requestTimeoutSeconds: 60 } }));
        await store.create(detailsOf('fast'));
        await store.claim(TIME, 'me', ({ options }) => TIME + (options.requestTimeoutSeconds ?? 3), 10);
        expect((await found('slow')).transaction.nextCronTime).toBe(TIME + 60);
        expect((await found('fast')).transaction.nextCronTime).toBe(TIME + 3);
      });

      it('never claims a final transaction', async () => {
        await store.create(detailsOf('succeed', { status: 'succeed', nextCronTime: 0 }));
        await store.create(detailsOf('failed', { status: 'failed', nextCronTime: 0 }));
        for (const status of ['prepared', 'submitted', 'aborting'] as const)
          await store.create(detailsOf(status, { status }));
        await store.update({ status: 'submitted' }, transactionOf('submitted', { status: 'succeed' }), NO_BRANCHES);
        expect(gidsOf(await claim()).toSorted()).toEqual(['aborting', 'prepared']);
      });

      it('claims no more than the limit, and the rest the next time', async () => {
        for (let index = 0; index < 5; index++)
          await store.create(detailsOf(`g${index}`, { nextCronTime: TIME - 10 + index }));
        expect(gidsOf(await claim('me', 2))).toEqual(['g0', 'g1']);
        expect(gidsOf(await claim('me', 2))).toEqual(['g2', 'g3']);
        expect(gidsOf(await claim('me', 2))).toEqual(['g4']);
        expect(await claim('me', 2)).toEqual([]);
      });

      it('claims a transaction again after its lease, whoever held it', async () => {
        await store.create(detailsOf('g'));
        await claim('me');
        expect(await claim('you', 10, TIME + 12_999)).toEqual([]);
        const again = await claim('you', 10, TIME + 13_000);
        expect(again.map(({ transaction }) => transaction.owner)).toEqual(['you']);
        // the first holder has lost the lease
        expect(await store.update({ status: 'submitted', owner: 'me' }, transactionOf('g'), NO_BRANCHES)).toBe(false);
      });

      it('claims every transaction once in concurrent calls', async () => {
        for (let index = 0; index < 60; index++) await store.create(detailsOf(`g${index}`));
        const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => claim(`owner${index}`, 5)));
        const gids = claims.flatMap(gidsOf);
        expect(gids).toHaveLength(60);
        expect(new Set(gids).size).toBe(60);
        for (const [index, claimed] of claims.entries()) {
          for (const gid of gidsOf(claimed)) expect((await found(gid)).transaction.owner).toBe(`owner${index}`);
        }
      });

      it('returns the branches, too', async () => {
        await store.create(detailsOf('g'));
        expect((await claim())[0]!.branches).toEqual(detailsOf('g').branches);
      });
    });

    describe('wake', () => {
      const later = { nextCronTime: TIME + 50_000 };
      const dueTimes = async (...gids: string[]): Promise<number[]> =>
        Promise.all(gids.map(async (gid) => (await found(gid)).transaction.nextCronTime - TIME));

      it('makes waiting transactions due and returns their number', async () => {
        await store.create(detailsOf('g1', later));
        await store.create(detailsOf('g2', later));
        expect(await wakeAll(store, TIME, { laterThan: TIME, limit: 10 })).toBe(2);
        expect(await dueTimes('g1', 'g2')).toEqual([0, 0]);
        expect(gidsOf(await claim()).toSorted()).toEqual(['g1', 'g2']);
      });

      it('does not change final transactions, nor transactions with an owner', async () => {
        for (const status of ['prepared', 'submitted', 'aborting', 'succeed', 'failed'] as const)
          await store.create(detailsOf(status, { ...later, status }));
        await store.create(detailsOf('owned', { ...later, owner: 'me' }));
        expect(await wakeAll(store, TIME, { laterThan: TIME, limit: 10 })).toBe(3);
        expect(await dueTimes('succeed', 'failed', 'owned')).toEqual([50_000, 50_000, 50_000]);
        expect((await found('owned')).transaction.owner).toBe('me');
      });

      it('wakes only transactions that are due later, and no more than the limit', async () => {
        await store.create(detailsOf('soon', { nextCronTime: TIME + 10 }));
        await store.create(detailsOf('g1', { nextCronTime: TIME + 11 }));
        await store.create(detailsOf('g2', later));
        expect(await wakeAll(store, TIME, { laterThan: TIME + 10, limit: 1 })).toBe(1);
        expect(await dueTimes('soon', 'g1', 'g2')).toEqual([10, 0, 50_000]);
        expect(await wakeAll(store, TIME, { laterThan: TIME + 10, limit: 1 })).toBe(1);
        expect(await wakeAll(store, TIME, { laterThan: TIME + 10, limit: 1 })).toBe(0);
        expect(await dueTimes('soon', 'g1', 'g2')).toEqual([10, 0, 0]);
      });

      it('meets each transaction once in calls that continue, also one that waits again meanwhile', async () => {
        for (const gid of ['g1', 'g2', 'g3', 'g4', 'g5']) await store.create(detailsOf(gid, later));
        const batches: number[] = [];
        let position = '';
        do {
          const woken = await store.wake(TIME, { laterThan: TIME, limit: 2, position });
          batches.push(woken.count);
          position = woken.nextPosition;
          for (const { transaction } of await store.claim(TIME, 'me', () => TIME + 13_000, 10)) {
            const again = transactionOf(transaction.gid, { nextCronTime: TIME + 90_000 });
            await store.update({ status: 'submitted', owner: 'me' }, again, new Map());
          }
        } while (position);
        expect(batches).toEqual([2, 2, 1]);
        expect(await dueTimes('g1', 'g3', 'g5')).toEqual([90_000, 90_000, 90_000]);
      });

      it('wakes only the transaction of a gid', async () => {
        for (const gid of GIDS) await store.create(detailsOf(gid, later));
        expect(await wakeAll(store, TIME, { gid: 'order1', laterThan: TIME, limit: 1 })).toBe(1);
        expect(gidsOf(await claim())).toEqual(['order1']);
        expect(await wakeAll(store, TIME, { gid: 'nope', laterThan: TIME, limit: 1 })).toBe(0);
      });

      it('wakes transactions that wait for a target, not those of a host or path with the same beginning', async () => {
        const waiting = (gid: string, url: string, change: Partial<BranchRecord> = {}): Promise<boolean> =>
          store.create({
            ...detailsOf(gid, later),
            branches: [branchOf('01', { url: 'http://a/' }), branchOf('02', { url, ...change })],
          });
        await waiting('host', 'http://bank:80/in?x=1');
        await waiting('bare', 'http://bank:80');
        await waiting('query', 'http://bank:80?x=1');
        await waiting('port', 'http://bank:8080/in');
        await waiting('done', 'http://bank:80/in', { status: 'succeed' });
        await waiting('failed', 'http://bank:80/in', { status: 'failed' });
        await waiting('inside', 'http://proxy/?to=http://bank:80/in');
        await store.create(detailsOf('asked', { ...later, status: 'prepared', queryPrepared: 'http://bank:80/query' }));
        await store.create(detailsOf('told', { ...later, queryPrepared: 'http://bank:80/query' }));
        await store.create(detailsOf('owned', { ...later, owner: 'me', queryPrepared: 'http://bank:80/query' }));
        expect(await wakeAll(store, TIME, { target: 'http://bank:80', laterThan: TIME, limit: 10 })).toBe(4);
        expect(gidsOf(await claim()).toSorted()).toEqual(['asked', 'bare', 'host', 'query']);
        expect(await wakeAll(store, TIME, { target: 'http://bank:8080/', laterThan: TIME, limit: 10 })).toBe(1);
        expect(await wakeAll(store, TIME, { target: "http://bank' or '", laterThan: TIME, limit: 10 })).toBe(0);
      });

      it('wakes no more transactions of a target than the limit', async () => {
        for (const gid of ['other1', 'g1', 'other2', 'g2', 'g3']) {
          const url = gid.startsWith('g') ? 'http://bank/in' : 'http://other/in';
          await store.create({ ...detailsOf(gid, later), branches: [branchOf('01', { url })] });
        }
        expect(await wakeAll(store, TIME, { target: 'http://bank', laterThan: TIME, limit: 2 })).toBe(2);
        expect(gidsOf(await claim()).toSorted()).toEqual(['g1', 'g2']);
      });

      it('considers the status of branches of a target, also after many other branches', async () => {
        const branches = Array.from({ length: 200 }, (_, index) => branchOf(String(index), { url: 'http://bank/in' }));
        await store.create({ ...detailsOf('g', later), branches });
        const done = new Map(branches.map((branch, index) => [index, { ...branch, status: 'succeed' as const }]));
        done.delete(150);
        await store.update({ status: 'submitted' }, transactionOf('g', later), done);
        expect(await wakeAll(store, TIME, { target: 'http://bank', laterThan: TIME, limit: 2 })).toBe(1);
        await store.update(
          { status: 'submitted' },
          transactionOf('g', later),
          new Map([[150, { ...branches[150]!, status: 'succeed' }]]),
        );
        expect(await wakeAll(store, TIME, { target: 'http://bank', laterThan: TIME, limit: 2 })).toBe(0);
      });

      it('changes no other field', async () => {
        const details = detailsOf('g', { ...later, retryCount: 2, rollbackReason: 'x' });
        await store.create(details);
        await wakeAll(store, TIME, { gid: 'g', laterThan: TIME, limit: 1 });
        expect(await store.find('g')).toEqual({
          ...details,
          transaction: { ...details.transaction, nextCronTime: TIME },
        });
      });
    });

    describe('prune', () => {
      const old = { status: 'succeed', createTime: TIME, updateTime: TIME + 10 } as const;

      it('deletes transactions that were final before the time, with their branches', async () => {
        await store.create(detailsOf('succeed', old));
        await store.create(detailsOf('failed', { ...old, status: 'failed' }));
        await store.create(detailsOf('late', { ...old, updateTime: TIME + 100 }));
        await store.create(detailsOf('new', { ...old, createTime: TIME + 100, updateTime: TIME + 100 }));
        expect(await store.prune(TIME + 100, '', 10)).toEqual({ count: 2, nextPosition: '' });
        expect(
          gidsOf((await store.list({})).transactions.map((transaction) => ({ transaction, branches: [] }))),
        ).toEqual(['new', 'late']);
        expect(await store.find('succeed')).toBeUndefined();
      });

      it.each(['prepared', 'submitted', 'aborting'] as const)(
        'does not delete a transaction that is %s, however old',
        async (status) => {
          await store.create(detailsOf('g', { ...old, status }));
          expect(await store.prune(TIME + 1000, '', 10)).toEqual({ count: 0, nextPosition: '' });
          expect(await store.find('g')).toBeDefined();
        },
      );

      it('goes through transactions page by page, from the oldest', async () => {
        await store.create(detailsOf('stays', { ...old, status: 'submitted' }));
        for (let index = 0; index < 6; index++) await store.create(detailsOf(`g${index}`, old));
        const counts: number[] = [];
        let position = '';
        do {
          const pruned = await store.prune(TIME + 100, position, 3);
          counts.push(pruned.count);
          position = pruned.nextPosition;
        } while (position);
        expect(counts).toEqual([2, 3, 1]);
        expect((await store.list({})).transactions.map(({ gid }) => gid)).toEqual(['stays']);
      });

      it('frees the gid, without the old branches', async () => {
        await store.create(detailsOf('g', old));
        await store.prune(TIME + 100, '', 10);
        expect(await store.create({ transaction: transactionOf('g'), branches: [] })).toBe(true);
        expect((await found('g')).branches).toEqual([]);
      });
    });

    describe('key-value records', () => {
      const kv = (key: string, change: Partial<KvRecord> = {}): KvRecord => ({
        category: 'topics',
        key,
        value: '[]',
        version: 1,
        createTime: TIME,
        updateTime: TIME,
        ...change,
      });

      it('are returned with every field and unchanged texts', async () => {
        const record = kv("a'b", { value: '{"ä":"😀"}', updateTime: TIME + 1 });
        expect(await store.putKv(record)).toBe(true);
        expect(await store.getKv('topics', "a'b")).toEqual(record);
      });

      it('are unknown until they are put, and under other keys', async () => {
        expect(await store.getKv('topics', 'a')).toBeUndefined();
        await store.putKv(kv('a'));
        expect(await store.getKv('topics', 'A')).toBeUndefined();
        expect(await store.getKv('other', 'a')).toBeUndefined();
      });

      it('are replaced only by the next version', async () => {
        await store.putKv(kv('a'));
        const second = kv('a', { version: 2, value: '["b"]', updateTime: TIME + 5 });
        for (const version of [1, 3, 0]) expect(await store.putKv({ ...second, version })).toBe(false);
        expect(await store.getKv('topics', 'a')).toEqual(kv('a'));
        expect(await store.putKv(second)).toBe(true);
        expect(await store.getKv('topics', 'a')).toEqual(second);
      });

      it('begin with version 1', async () => {
        expect(await store.putKv(kv('a', { version: 2 }))).toBe(false);
        expect(await store.getKv('topics', 'a')).toBeUndefined();
      });

      it.each([1, 2])('of version %i are accepted once in concurrent calls', async (version) => {
        if (version === 2) await store.putKv(kv('a'));
        const records = Array.from({ length: 10 }, (_, index) => kv('a', { version, value: `[${index}]` }));
        const results = await Promise.all(records.map((record) => store.putKv(record)));
        expect(results.filter(Boolean)).toHaveLength(1);
        expect((await store.getKv('topics', 'a'))?.value).toBe(`[${results.indexOf(true)}]`);
      });

      it('can be deleted once and created again', async () => {
        await store.putKv(kv('a'));
        await store.putKv(kv('a', { version: 2 }));
        expect(await store.deleteKv('topics', 'b')).toBe(false);
        expect(await store.deleteKv('other', 'a')).toBe(false);
        expect(await store.deleteKv('topics', 'a')).toBe(true);
        expect(await store.deleteKv('topics', 'a')).toBe(false);
        expect(await store.getKv('topics', 'a')).toBeUndefined();
        expect(await store.putKv(kv('a', { value: '"new"' }))).toBe(true);
      });

      it.each<[Parameters<Store['listKv']>[0], string]>([
        [{}, 'topics/a other/a topics/b topics/c'],
        [{ category: 'topics' }, 'topics/a topics/b topics/c'],
        [{ key: 'a' }, 'topics/a other/a'],
        [{ category: 'other', key: 'a' }, 'other/a'],
        [{ category: 'nope' }, ''],
        [{ limit: Number.MAX_SAFE_INTEGER }, 'topics/a other/a topics/b topics/c'],
      ])('are listed with %j as %s, oldest first', async (filter, names) => {
        await store.putKv(kv('a'));
        await store.putKv(kv('a', { category: 'other' }));
        await store.putKv(kv('b'));
        await store.putKv(kv('c'));
        await store.putKv(kv('a', { version: 2 }));
        const { records, nextPosition } = await store.listKv(filter);
        expect(records.map(({ category, key }) => `${category}/${key}`).join(' ')).toBe(names);
        expect(nextPosition).toBe('');
      });

      it('are listed page by page, each once', async () => {
        for (const key of ['a', 'b', 'c', 'd', 'e']) await store.putKv(kv(key));
        const pages: string[][] = [];
        let position: string | undefined;
        do {
          const page = await store.listKv({ limit: 2, position });
          pages.push(page.records.map(({ key }) => key));
          position = page.nextPosition;
        } while (position);
        expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
        await expect(store.listKv({ position: 'x' })).rejects.toThrow(DtmArgumentError);
      });
    });

    describe('list', () => {
      beforeEach(async () => {
        await store.create(detailsOf('g1', { createTime: TIME }));
        await store.create(detailsOf('g2', { createTime: TIME + 1, status: 'succeed' }));
        await store.create(detailsOf('g3', { createTime: TIME + 2, transType: 'tcc', status: 'prepared' }));
        await store.create(detailsOf('g4', { createTime: TIME + 3, transType: 'tcc', status: 'succeed' }));
        await store.create(detailsOf('g5', { createTime: TIME + 4, attention: 'look' }));
      });

      const listed = async (filter: Parameters<Store['list']>[0]): Promise<string> =>
        (await store.list(filter)).transactions.map(({ gid }) => gid).join(' ');

      it.each<[Parameters<Store['list']>[0], string]>([
        [{}, 'g5 g4 g3 g2 g1'],
        [{ gid: 'g3' }, 'g3'],
        [{ gid: 'g' }, ''],
        [{ status: 'succeed' }, 'g4 g2'],
        [{ transType: 'tcc' }, 'g4 g3'],
        [{ transType: 'tcc', status: 'succeed' }, 'g4'],
        [{ transType: 'msg' }, ''],
        [{ attention: true }, 'g5'],
        [{ attention: true, status: 'succeed' }, ''],
        [{ attention: false }, 'g5 g4 g3 g2 g1'],
        [{ createTimeStart: TIME + 2 }, 'g5 g4 g3'],
        [{ createTimeEnd: TIME + 2 }, 'g3 g2 g1'],
        [{ createTimeStart: TIME + 1, createTimeEnd: TIME + 3 }, 'g4 g3 g2'],
        [{ createTimeStart: TIME + 9 }, ''],
        [{ gid: undefined, status: undefined, position: '' }, 'g5 g4 g3 g2 g1'],
      ])('%j returns %s, newest first', async (filter, gids) => {
        expect(await listed(filter)).toBe(gids);
      });

      it('continues where the page before ended', async () => {
        const pages: string[][] = [];
        let position: string | undefined;
        do {
          const page = await store.list({ limit: 2, position });
          pages.push(page.transactions.map(({ gid }) => gid));
          position = page.nextPosition;
        } while (position);
        expect(pages).toEqual([['g5', 'g4'], ['g3', 'g2'], ['g1']]);
      });

      it('ends with an empty page after a full last page', async () => {
        const first = await store.list({ limit: 5 });
        expect(first.nextPosition).not.toBe('');
        expect(await store.list({ limit: 5, position: first.nextPosition })).toEqual({
          transactions: [],
          nextPosition: '',
        });
      });

      it('pages through a filter without skipping new transactions', async () => {
        const first = await store.list({ status: 'succeed', limit: 1 });
        await store.create(detailsOf('g6', { status: 'succeed' }));
        const second = await store.list({ status: 'succeed', limit: 1, position: first.nextPosition });
        expect([first, second].map((page) => page.transactions[0]?.gid)).toEqual(['g4', 'g2']);
      });

      it('has 100 transactions on a page by default', async () => {
        for (let index = 0; index < 100; index++) await store.create(detailsOf(`more${index}`));
        expect((await store.list({})).transactions).toHaveLength(100);
      });

      it('returns nothing for a limit of 0', async () => {
        expect(await store.list({ limit: 0 })).toEqual({ transactions: [], nextPosition: '' });
      });

      it.each(['x', '-1', "1' or '1", '1.5', '9'.repeat(16)])('refuses the position %j', async (position) => {
        await expect(store.list({ position })).rejects.toThrow(DtmArgumentError);
      });
    });
  });
}
