import Database from 'libsql';
import { sqliteStore, type Store } from 'nestjs-dtm/server';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { TIME, branchOf, detailsOf, transactionOf } from './records.js';
import { wakeAll } from './wake-all.js';

const PREPARED = transactionOf('g', { transType: 'tcc', status: 'prepared' });

/** Makes texts unreadable: an operation that parses one of them fails. */
const BREAK_BRANCHES = `update trans_branch set branches = 'unreadable'`;
const BREAK_RECORDS = `update trans_global set record = 'unreadable', progress = 'unreadable'`;

/** Makes a file look as a version without keys of branches has left it. */
const WITHOUT_KEYS = 'drop trigger trans_global_deleted; drop table trans_branch_key';

async function openStore(path: string): Promise<Store> {
  const store = sqliteStore({ path, checkAtStart: false });
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

/** A store whose file was changed after some operations. */
async function changed(sql: string, prepare: (store: Store) => Promise<unknown>): Promise<Store> {
  const path = join(tempFolder(), 'dtm.db');
  const store = await openStore(path);
  await prepare(store);
  await store.close();
  const database = new Database(path);
  database.exec(sql);
  database.close();
  return openStore(path);
}

const register = (store: Store, id: string): ReturnType<Store['addBranches']> =>
  store.addBranches('g', 'tcc', [branchOf(id, { op: 'cancel' }), branchOf(id, { op: 'confirm' })]);

const idsOf = async (store: Store): Promise<string[]> =>
  ((await store.find('g'))?.branches ?? []).map(({ branchId, op }) => `${branchId} ${op}`);

describe('the SQLite store does not read', () => {
  it('earlier branches when another one is registered', async () => {
    const store = await changed(BREAK_BRANCHES, async (before) => {
      await before.create({ transaction: PREPARED, branches: [] });
      await register(before, '01');
    });
    expect(await register(store, '01')).toBe('duplicate');
    expect(await register(store, '02')).toBe('added');
    await expect(store.find('g')).rejects.toThrow(/could not be read/);
  });

  it('the branches of a transaction of which only the record is asked for', async () => {
    const store = await changed(BREAK_BRANCHES, (before) => before.create(detailsOf('g')));
    expect(await store.findRecord('g')).toEqual(transactionOf('g'));
    expect((await store.list({})).transactions).toEqual([transactionOf('g')]);
  });

  it('records that are counted, waked or deleted', async () => {
    const store = await changed(BREAK_RECORDS, async (before) => {
      await before.create(detailsOf('sleeps', { nextCronTime: TIME + 10 }));
      await before.create(detailsOf('old', { status: 'succeed' }));
    });
    expect(await store.countUnfinished(10)).toMatchObject({ submitted: 1 });
    expect(await wakeAll(store, TIME, { laterThan: TIME, limit: 10 })).toBe(1);
    expect(await store.prune(TIME + 1, '', 10)).toMatchObject({ count: 1 });
  });

  it('records that do not fit on a page or into a claim', async () => {
    const customData = 'x'.repeat(5 * 1024 * 1024);
    const store = await changed(
      `update trans_global set record = replace(record, '{', 'unreadable') where gid = 'g1'`,
      async (before) => {
        await before.create(detailsOf('g1', { customData, nextCronTime: TIME }));
        await before.create(detailsOf('g2', { customData, nextCronTime: TIME - 1 }));
      },
    );
    const { transactions, nextPosition } = await store.list({ limit: 10_000 });
    expect(transactions.map(({ gid }) => gid)).toEqual(['g2']);
    await expect(store.list({ limit: 10_000, position: nextPosition })).rejects.toThrow(/could not be read/);
    expect(await store.claim(TIME, 'me', () => TIME + 1, 10, 1)).toHaveLength(1);
  });
});

it('other writes do not wait until all transactions of a target are searched', async () => {
  const store = await openStore(join(tempFolder(), 'dtm.db'));
  const payload = 'x'.repeat(3 * 1024 * 1024);
  for (let index = 0; index < 6; index++) {
    const transaction = transactionOf(`g${index}`, { nextCronTime: TIME + 10 });
    await store.create({ transaction, branches: [branchOf('01', { url: 'http://bank/in', payload })] });
  }
  const done: string[] = [];
  await Promise.all([
    wakeAll(store, TIME, { target: 'http://bank', laterThan: TIME, limit: 10 }).then(() => done.push('wake')),
    store.create(detailsOf('other')).then(() => done.push('create')),
  ]);
  expect(done).toEqual(['create', 'wake']);
});

describe('a file of a version without keys of branches', () => {
  it('gets them at the next registration', async () => {
    const store = await changed(WITHOUT_KEYS, async (before) => {
      await before.create({ transaction: PREPARED, branches: [] });
      await register(before, '01');
      await register(before, '02');
    });
    for (const id of ['01', '02']) expect(await register(store, id)).toBe('duplicate');
    expect(await register(store, '03')).toBe('added');
    expect(await idsOf(store)).toEqual(['01', '02', '03'].flatMap((id) => [`${id} cancel`, `${id} confirm`]));
    const done = new Map([[5, branchOf('03', { op: 'confirm', status: 'succeed' })]]);
    await store.update({ status: 'prepared' }, { ...PREPARED, status: 'submitted' }, done);
    expect((await store.find('g'))?.branches.map(({ status }) => status).indexOf('succeed')).toBe(5);
  });

  it('may be used by that version in between', async () => {
    const store = await changed(`delete from trans_branch_key where branch_id > '01'`, async (before) => {
      await before.create({ transaction: PREPARED, branches: [] });
      for (const id of ['01', '02', '03']) await register(before, id);
    });
    for (const id of ['01', '02', '03']) expect(await register(store, id)).toBe('duplicate');
    expect(await register(store, '04')).toBe('added');
    expect(await idsOf(store)).toHaveLength(8);
  });
});

it('the keys of branches are deleted with their transaction', async () => {
  const path = join(tempFolder(), 'dtm.db');
  const store = await openStore(path);
  await store.create({ transaction: PREPARED, branches: [] });
  await register(store, '01');
  await store.update({ status: 'prepared' }, { ...PREPARED, status: 'succeed' }, new Map());
  await store.prune(TIME + 1, '', 10);
  await store.close();
  const database = new Database(path);
  onTestFinished(() => void database.close());
  expect(database.prepare('select count(*) as keys from trans_branch_key').get()).toMatchObject({ keys: 0 });
});
