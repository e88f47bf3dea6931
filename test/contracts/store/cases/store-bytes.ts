import type { BranchRecord, TransactionRecord } from 'nestjs-dtm/protocol';
import type { LeaseFilter, Store } from 'nestjs-dtm/server';
import { describe, expect, it } from 'vitest';
import { TIME, branchOf, detailsOf, transactionOf } from '../records.js';
import { wakeAll } from '../wake-all.js';

const MIB = 1024 * 1024;

const large = (mib: number): string => 'x'.repeat(mib * MIB);

/** A page of any list. */
interface Page {
  readonly names: readonly string[];
  readonly nextPosition: string;
}

async function readPages(read: (position: string) => Promise<Page>): Promise<string> {
  const pages: string[] = [];
  let position = '';
  do {
    const page = await read(position);
    pages.push(page.names.join(' '));
    position = page.nextPosition;
  } while (position);
  return pages.join(', ');
}

/**
 * What a store reads, and how much at a time.
 *
 * @param current - the open, empty store of the test
 */
export function describeBytes(current: () => Store): void {
  const create = (gid: string, change: Partial<TransactionRecord> = {}, branches: readonly BranchRecord[] = []) =>
    current().create({ transaction: transactionOf(gid, change), branches });

  describe('pages', () => {
    it('of transactions end at some megabytes, each transaction once', async () => {
      for (const gid of ['g1', 'g2', 'g3', 'g4', 'g5']) await create(gid, { customData: large(2) });
      const read = async (position: string): Promise<Page> => {
        const { transactions, nextPosition } = await current().list({ limit: 10_000, position });
        return { names: transactions.map(({ gid }) => gid), nextPosition };
      };
      expect(await readPages(read)).toBe('g5 g4, g3 g2, g1');
    });

    it('have at least one transaction, also one of many megabytes', async () => {
      await create('g1', { customData: large(6) });
      await create('g2', { customData: large(6) });
      const { transactions, nextPosition } = await current().list({});
      expect([transactions.length, nextPosition === '']).toEqual([1, false]);
    });

    it('of key-value records end at some megabytes, each record once', async () => {
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const value = large(2);
        await current().putKv({ category: 'c', key, value, version: 1, createTime: TIME, updateTime: TIME });
      }
      const read = async (position: string): Promise<Page> => {
        const { records, nextPosition } = await current().listKv({ limit: 10_000, position });
        return { names: records.map(({ key }) => key), nextPosition };
      };
      expect(await readPages(read)).toBe('a b, c d, e');
    });

    it('of old transactions are deleted completely', async () => {
      const old = { status: 'succeed', createTime: TIME, updateTime: TIME } as const;
      for (const gid of ['g1', 'g2', 'g3']) await create(gid, old, [branchOf('01', { payload: large(3) })]);
      await create('stays', { createTime: TIME });
      let count = 0;
      const read = async (position: string): Promise<Page> => {
        const pruned = await current().prune(TIME + 1, position, 100);
        count += pruned.count;
        return { names: [], nextPosition: pruned.nextPosition };
      };
      await readPages(read);
      expect(count).toBe(3);
      expect((await current().list({})).transactions.map(({ gid }) => gid)).toEqual(['stays']);
    });
  });

  describe('a claim with a number of bytes', () => {
    const claim = async (maxBytes: number): Promise<string> => {
      const claimed = await current().claim(TIME, 'me', () => TIME + 13_000, 10, maxBytes);
      return claimed.map(({ transaction }) => transaction.gid).join(' ');
    };

    it('ends after the transaction that reaches it, payloads included', async () => {
      for (const [index, gid] of ['g1', 'g2', 'g3'].entries()) {
        await create(gid, { nextCronTime: TIME - 10 + index }, [branchOf('01', { payload: large(1) })]);
      }
      await create('g4', { nextCronTime: TIME, customData: large(1) });
      expect(await claim(1.5 * MIB)).toBe('g1 g2');
      expect((await current().find('g3'))?.transaction.owner).toBeUndefined();
      expect(await claim(1)).toBe('g3');
      expect(await claim(MIB)).toBe('g4');
      expect(await claim(MIB)).toBe('');
    });

    it('counts each transaction by itself', async () => {
      for (const gid of ['g1', 'g2', 'g3']) await create(gid, {}, [branchOf('01', { payload: 'x'.repeat(100) })]);
      expect((await claim(MIB)).split(' ')).toHaveLength(3);
    });
  });

  describe('findRecord', () => {
    it('returns a transaction without its branches', async () => {
      const details = detailsOf('g', { customData: 'c', owner: 'me', attention: 'look', retryCount: 2 });
      await current().create(details);
      expect(await current().findRecord('g')).toEqual(details.transaction);
      expect(await current().findRecord('nope')).toBeUndefined();
    });
  });

  describe('countUnfinished', () => {
    it('counts unfinished transactions by status, and those that need attention, up to a limit', async () => {
      expect(await current().countUnfinished(100)).toEqual({ prepared: 0, submitted: 0, aborting: 0, attention: 0 });
      const statuses = ['prepared', 'submitted', 'submitted', 'aborting', 'succeed', 'failed'] as const;
      for (const [index, status] of statuses.entries()) {
        await create(`g${index}`, { status, attention: index === 1 ? 'look' : undefined });
      }
      expect(await current().countUnfinished(100)).toEqual({ prepared: 1, submitted: 2, aborting: 1, attention: 1 });
      const { prepared, submitted, aborting } = await current().countUnfinished(3);
      expect(prepared + submitted + aborting).toBe(3);
    });
  });

  describe('addBranches with limits', () => {
    const rowsOf = (id: string, payload = ''): BranchRecord[] => [
      branchOf(id, { op: 'cancel', payload }),
      branchOf(id, { op: 'confirm', payload }),
    ];
    const add = (branches: BranchRecord[], maxBranches = 100, maxBytes = 100 * MIB) =>
      current().addBranches('g', 'tcc', branches, { maxBranches, maxBytes });
    const ids = async (): Promise<string[]> =>
      ((await current().find('g'))?.branches ?? []).map(({ branchId, op }) => `${branchId} ${op}`);
    const prepared = { transType: 'tcc', status: 'prepared' } as const;

    it('adds no more branches than the limit, and nothing above it', async () => {
      await create('g', prepared, rowsOf('00'));
      expect(await add(rowsOf('01'), 4)).toBe('added');
      expect(await add(rowsOf('02'), 5)).toBe('tooMany');
      // in whatever order the store checks them
      expect(['duplicate', 'tooMany']).toContain(await add(rowsOf('01'), 4));
      expect(await add(rowsOf('02'), 6)).toBe('added');
      expect(await ids()).toEqual(['00 cancel', '00 confirm', '01 cancel', '01 confirm', '02 cancel', '02 confirm']);
    });

    it('adds no more bytes than the limit, and nothing above it', async () => {
      await create('g', prepared);
      expect(await add(rowsOf('01', large(1)), 100, 5 * MIB)).toBe('added');
      expect(await add(rowsOf('02', large(2)), 100, 5 * MIB)).toBe('tooLarge');
      expect(await add(rowsOf('03', large(1)), 100, 5 * MIB)).toBe('added');
      expect(await ids()).toEqual(['01 cancel', '01 confirm', '03 cancel', '03 confirm']);
    });

    it('counts the branches of each transaction by themselves, in concurrent calls', async () => {
      const gids = Array.from({ length: 10 }, (_, index) => `g${index}`);
      for (const gid of gids) await create(gid, prepared);
      const limits = { maxBranches: 2, maxBytes: MIB };
      const addTo = (gid: string, id: string) => current().addBranches(gid, 'tcc', rowsOf(id), limits);
      const first = await Promise.all(gids.map((gid) => addTo(gid, '01')));
      const second = await Promise.all(gids.map((gid) => addTo(gid, '02')));
      expect([new Set(first), new Set(second)]).toEqual([new Set(['added']), new Set(['tooMany'])]);
    });
  });

  describe('wake with leases', () => {
    const wake = (leases: LeaseFilter | undefined, target?: string): Promise<number> =>
      wakeAll(current(), TIME, { laterThan: TIME, limit: 10, leases, target });
    const isDue = async (gid: string): Promise<boolean> => (await current().findRecord(gid))!.nextCronTime === TIME;

    it('makes transactions due whose leases end later, and leaves their owners', async () => {
      await create('long', { owner: 'dead.1', nextCronTime: TIME + 600_000 });
      await create('short', { owner: 'dead.2', nextCronTime: TIME + 13_000 });
      await create('free', { nextCronTime: TIME + 1 });
      expect(await wake(undefined)).toBe(1);
      expect(await wake({ endingAfter: TIME + 13_000 })).toBe(1);
      expect([await isDue('long'), await isDue('short')]).toEqual([true, false]);
      expect((await current().findRecord('long'))?.owner).toBe('dead.1');
      const [claimed] = await current().claim(TIME, 'me', () => TIME + 1, 1);
      expect(claimed?.transaction).toMatchObject({ owner: 'me' });
      const lost = { status: 'submitted', owner: 'dead.1' } as const;
      expect(await current().update(lost, transactionOf(claimed!.transaction.gid), new Map())).toBe(false);
    });

    it('keeps those of an owner', async () => {
      await create('own', { owner: 'me.1', nextCronTime: TIME + 600_000 });
      await create('alike', { owner: 'me10.1', nextCronTime: TIME + 600_000 });
      expect(await wake({ endingAfter: TIME, exceptOwner: 'me.' })).toBe(1);
      expect([await isDue('own'), await isDue('alike')]).toEqual([false, true]);
    });

    it('of one gid or target touch no others', async () => {
      const later = { owner: 'dead.1', nextCronTime: TIME + 600_000 };
      for (const gid of ['g1', 'g2', 'g3']) await create(gid, later, [branchOf('01', { url: `http://${gid}/in` })]);
      const leases = { endingAfter: TIME };
      expect(await wakeAll(current(), TIME, { gid: 'g1', laterThan: TIME, limit: 1, leases })).toBe(1);
      expect(await wake(leases, 'http://g2')).toBe(1);
      expect([await isDue('g1'), await isDue('g2'), await isDue('g3')]).toEqual([true, true, false]);
    });

    it('and a target are found in any number of megabytes, up to the limit', async () => {
      const payload = large(3);
      for (let index = 0; index < 6; index++) {
        const url = index === 2 ? 'http://other/in' : 'http://bank/in';
        await create(`g${index}`, { nextCronTime: TIME + 1 + index }, [branchOf('01', { url, payload })]);
      }
      expect(await wakeAll(current(), TIME, { target: 'http://bank', laterThan: TIME, limit: 4 })).toBe(4);
      expect(await wakeAll(current(), TIME, { target: 'http://bank', laterThan: TIME, limit: 4 })).toBe(1);
      expect(await wakeAll(current(), TIME, { target: 'http://bank', laterThan: TIME, limit: 4 })).toBe(0);
      expect([await isDue('g2'), await isDue('g5')]).toEqual([false, true]);
    });

    it('and a target count each transaction once, although it waits again meanwhile', async () => {
      const payload = large(3);
      const gids = Array.from({ length: 6 }, (_, index) => `g${index}`);
      for (const gid of gids) {
        await create(gid, { nextCronTime: TIME + 1 }, [branchOf('01', { url: 'http://bank/in', payload })]);
      }
      const stop = new AbortController();
      const reschedule = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          for (const { transaction } of await current().claim(TIME, 'me', () => TIME + 50, 6)) {
            const next = transactionOf(transaction.gid, { nextCronTime: TIME + 20 });
            await current().update({ status: 'submitted', owner: 'me' }, next, new Map());
          }
          await new Promise((resolve) => void setImmediate(resolve));
        }
      };
      const rescheduling = reschedule();
      const count = await wakeAll(current(), TIME, { target: 'http://bank', laterThan: TIME, limit: 100 });
      stop.abort();
      await rescheduling;
      expect(count).toBe(6);
    });

    it('never touch final transactions', async () => {
      await create('g', { status: 'succeed', owner: 'dead.1', nextCronTime: TIME + 600_000 });
      expect(await wake({ endingAfter: TIME })).toBe(0);
    });
  });
}
