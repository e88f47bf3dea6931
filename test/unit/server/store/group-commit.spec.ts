import Database from 'libsql';
import { DtmStoreError } from 'nestjs-dtm/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit } from '../../../../lib/server/store/sqlite/group-commit.js';

let database: Database.Database;
let commits: GroupCommit;

beforeEach(() => {
  database = new Database(':memory:');
  database.exec('create table numbers (n integer primary key)');
  commits = new GroupCommit(database);
});

const insert = (n: number) => () => database.prepare('insert into numbers values (?)').run(n).changes;

const stored = (): number[] =>
  (database.prepare('select n from numbers order by n').all() as { n: number }[]).map(({ n }) => n);

describe('concurrent writes', () => {
  it('run in order and return their own results', async () => {
    const results = await Promise.all([commits.run(() => 'a'), commits.run(insert(1)), commits.run(stored)]);
    expect(results).toEqual(['a', 1, [1]]);
  });

  it('run after the I/O of the event loop iteration, so that they share a commit', async () => {
    const first = commits.run(insert(1));
    await Promise.resolve();
    const second = commits.run(insert(2));
    expect(stored()).toEqual([]);
    await first;
    expect(stored()).toEqual([1, 2]);
    await second;
  });

  it('belong to the next group when others are being answered', async () => {
    const nested = commits.run(insert(1)).then(() => commits.run(insert(2)));
    await nested;
    expect(stored()).toEqual([1, 2]);
  });
});

describe('a write that throws', () => {
  it('is rejected alone, with the reason; the others of its group are stored, in order', async () => {
    const results = await Promise.allSettled([
      commits.run(insert(1)),
      commits.run(insert(1)),
      commits.run(insert(2)),
      commits.run(stored),
    ]);
    expect(results[1]).toMatchObject({
      status: 'rejected',
      reason: { code: 'DTM_STORE', message: expect.stringContaining('UNIQUE') },
    });
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(DtmStoreError);
    for (const index of [0, 2]) expect(results[index]).toEqual({ status: 'fulfilled', value: 1 });
    expect(results[3]).toEqual({ status: 'fulfilled', value: [1, 2] });
    expect(stored()).toEqual([1, 2]);
    expect(database.inTransaction).toBe(false);
  });

  it('leaves nothing behind of what it did before', async () => {
    const half = commits.run(() => {
      insert(1)();
      throw new Error('disk on fire');
    });
    await expect(half).rejects.toThrow(/could not write \(disk on fire\); nothing was stored, try again/);
    expect(stored()).toEqual([]);
  });
});

describe('a group that cannot be written', () => {
  it('does not affect the next group', async () => {
    database.exec('pragma query_only = on');
    await expect(commits.run(insert(1))).rejects.toThrow(/could not write \(attempt to write a readonly database\)/);
    database.exec('pragma query_only = off');
    expect(await commits.run(insert(1))).toBe(1);
    expect(stored()).toEqual([1]);
  });

  it('is rejected when the commit fails, and nothing of it is stored', async () => {
    database.exec(
      'pragma foreign_keys = on; create table children (n references numbers deferrable initially deferred)',
    );
    const orphan = commits.run(() => database.prepare('insert into children values (9)').run());
    const innocent = commits.run(insert(1));
    await expect(orphan).rejects.toThrow(DtmStoreError);
    await expect(innocent).rejects.toThrow(DtmStoreError);
    expect(stored()).toEqual([]);
    expect(await commits.run(insert(1))).toBe(1);
  });

  it('is rejected, without further harm, when it cannot be rolled back', async () => {
    const broken = {
      exec: (sql: string): never => {
        throw new Error(`no disk for ${sql}`);
      },
      inTransaction: true,
    } as unknown as Database.Database;
    const failing = new GroupCommit(broken);
    await expect(failing.run(() => 1)).rejects.toThrow(/no disk for BEGIN/);
    await failing.drain();
    await expect(failing.run(() => 1)).rejects.toThrow(/no disk for BEGIN/);
  });
});

describe('drain()', () => {
  it('waits for running writes and returns at once when there are none', async () => {
    await commits.drain();
    void commits.run(insert(1));
    await commits.drain();
    expect(stored()).toEqual([1]);
  });
});
