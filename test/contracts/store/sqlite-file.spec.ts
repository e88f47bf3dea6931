import Database from 'libsql';
import { DtmStoreError } from 'nestjs-dtm/protocol';
import { sqliteStore, type Store } from 'nestjs-dtm/server';
import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { seededRandom } from '../../support/random.js';
import { tempFolder } from '../../support/temp-folder.js';
import { TIME, branchOf, detailsOf, transactionOf } from './records.js';
import { wakeAll } from './wake-all.js';

/** Opens a store that is closed after the test. */
async function openStore(path: string): Promise<Store> {
  const store = sqliteStore({ path });
  await store.open();
  onTestFinished(() => store.close());
  return store;
}

const SOME_GIDS = Array.from({ length: 20 }, (_, index) => `g${index}`);

/** Lets a store look at its files before the next write. */
function passTime(): void {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1001);
  onTestFinished(() => clock.mockRestore());
}

/** A copy of the file as it would be after a power failure now. */
function copyOf(path: string): string {
  const copy = join(tempFolder(), 'copy.db');
  copyFileSync(path, copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
  return copy;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the file of the SQLite store', () => {
  it('survives a restart with everything in it', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await openStore(path);
    await first.create(detailsOf('g1', { status: 'succeed', finishTime: TIME }));
    await first.create(detailsOf('g2', { nextCronTime: TIME + 5 }));
    await first.update(
      { status: 'submitted' },
      transactionOf('g2', { status: 'aborting', nextCronTime: TIME + 5 }),
      new Map([[1, branchOf('01', { status: 'failed' })]]),
    );
    await first.close();

    const second = await openStore(path);
    expect(await second.find('g1')).toEqual(detailsOf('g1', { status: 'succeed', finishTime: TIME }));
    expect(await second.find('g2')).toMatchObject({
      transaction: { status: 'aborting', nextCronTime: TIME + 5 },
      branches: [{}, { status: 'failed' }],
    });
  });

  it.each([
    ['file', ''],
    ['log', '-wal'],
  ])('refuses writes while its %s is away or replaced, and takes them when it is back', async (_, suffix) => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    await store.create(detailsOf('before'));
    renameSync(`${path}${suffix}`, `${path}-away`);
    // the store looks for its file once a second
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1001);
    onTestFinished(() => clock.mockRestore());
    const refused = store.create(detailsOf('away'));
    await expect(refused).rejects.toThrow(DtmStoreError);
    await expect(refused).rejects.toThrow(/was removed or replaced .*; nothing was stored; put the same file back/);
    await expect(refused).rejects.not.toThrow(/dtm\.db/);
    await expect(store.assertWritable!()).rejects.toThrow(/was removed or replaced/);
    copyFileSync(`${path}-away`, `${path}${suffix}`);
    await expect(store.create(detailsOf('replaced'))).rejects.toThrow(/was removed or replaced/);
    renameSync(`${path}-away`, `${path}${suffix}`);
    await store.assertWritable!();
    expect(await store.create(detailsOf('after'))).toBe(true);
    await store.close();
    const again = await openStore(path);
    const found = await Promise.all(['before', 'away', 'replaced', 'after'].map((gid) => again.find(gid)));
    expect(found.map((details) => details !== undefined)).toEqual([true, false, false, true]);
  });

  it('leaves the log when it closes without its file, and refuses to start without it', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = sqliteStore({ path });
    await store.open();
    for (const gid of SOME_GIDS) await store.create(detailsOf(gid));
    renameSync(path, `${path}-away`);
    const error = await errorOf(store.close());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(/^the file of the store was removed .*put the same file back, or restore/);
    expect(await errorOf(sqliteStore({ path }).open())).toMatchObject({ message: expect.stringMatching(/is missing/) });
    renameSync(`${path}-away`, path);
    // this process has the lock of the file until the memory of the store is collected
    expect((await (await openStore(copyOf(path))).list({})).transactions).toHaveLength(SOME_GIDS.length);
  });

  it.each(['removed', 'replaced'])('is complete when it closes after its log was %s', async (what) => {
    const path = join(tempFolder(), 'dtm.db');
    const store = sqliteStore({ path });
    await store.open();
    await store.create(detailsOf('g0'));
    const old = readFileSync(`${path}-wal`);
    for (const gid of SOME_GIDS.slice(1)) await store.create(detailsOf(gid));
    rmSync(`${path}-wal`);
    if (what === 'replaced') writeFileSync(`${path}-wal`, old);
    await store.close();
    expect((await (await openStore(path)).list({})).transactions).toHaveLength(SOME_GIDS.length);
  });

  it.each<[string, string, (length: number) => number]>([
    ['file to nothing', '', () => 0],
    ['file to a half', '', (length) => Math.floor(length / 8192) * 4096],
    ['log to nothing', '-wal', () => 0],
    ['log to a half', '-wal', (length) => length / 2],
    // the last commit was a frame, and came after the last look
    ['log by two frames', '-wal', (length) => length - 2 * (24 + 4096)],
  ])('refuses writes after another program has cut its %s, and closes without a change', async (_, suffix, cutTo) => {
    const path = join(tempFolder(), 'dtm.db');
    const store = sqliteStore({ path });
    await store.open();
    for (const gid of SOME_GIDS) await store.create(detailsOf(gid));
    passTime();
    await store.assertWritable!();
    const cut = `${path}${suffix}`;
    truncateSync(cut, cutTo(statSync(cut).size));
    const [file, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    passTime();
    for (const write of [store.create(detailsOf('late')), store.assertWritable!()]) {
      await expect(write).rejects.toThrow(
        /^the (file|log \(-wal\)) of the store was cut .*nothing was stored; stop the/,
      );
    }
    const error = await errorOf(store.close());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(
      /was cut or overwritten .* left its files .*restore the file with its log/,
    );
    expect([readFileSync(path).equals(file), readFileSync(`${path}-wal`).equals(log)]).toEqual([true, true]);
    expect(readdirSync(dirname(path)).toSorted()).toEqual(['dtm.db', 'dtm.db-wal']);
  });

  it.each([0, 0.5])('notices that its log was cut to %d when later writes have made it long again', async (part) => {
    const path = join(tempFolder(), 'dtm.db');
    const store = sqliteStore({ path });
    await store.open();
    for (const gid of SOME_GIDS) {
      passTime();
      await store.create(detailsOf(gid));
    }
    truncateSync(`${path}-wal`, statSync(`${path}-wal`).size * part);
    // a commit before the next look at the log
    const stopped = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(stopped);
    await store.create(detailsOf('late'));
    clock.mockRestore();
    const [file, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    await expect(store.close()).rejects.toThrow(/^the log \(-wal\) of the store was cut or overwritten/);
    expect(readFileSync(path).equals(file)).toBe(true);
    expect(readFileSync(`${path}-wal`).subarray(0, log.length).equals(log)).toBe(true);
  });

  it('releases the leases of the process before, and changes nothing else', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await openStore(path);
    await first.create(detailsOf('working', { owner: 'dead', nextCronTime: TIME + 60_000 }));
    await first.create(detailsOf('waiting', { nextCronTime: TIME + 60_000 }));
    await first.create(detailsOf('done', { status: 'succeed', nextCronTime: TIME + 60_000 }));
    await first.close();

    const second = await openStore(path);
    const claimed = await second.claim(TIME, 'me', () => TIME + 1, 10);
    expect(claimed.map(({ transaction }) => transaction.gid)).toEqual(['working']);
    expect((await second.find('waiting'))?.transaction.nextCronTime).toBe(TIME + 60_000);
  });

  it('contains a write as soon as it is acknowledged, whatever happens to the process', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    await store.create(detailsOf('g1'));
    const afterCreate = copyOf(path);
    await store.update({ status: 'submitted' }, transactionOf('g1', { status: 'succeed' }), new Map());
    const afterUpdate = copyOf(path);

    expect((await (await openStore(afterCreate)).find('g1'))?.transaction.status).toBe('submitted');
    expect((await (await openStore(afterUpdate)).find('g1'))?.transaction.status).toBe('succeed');
  });

  it('contains all writes of a group as soon as the first is acknowledged', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    const writes = Array.from({ length: 50 }, (_, index) => store.create(detailsOf(`g${index}`)));
    await Promise.race(writes);
    const copy = await openStore(copyOf(path));
    expect((await copy.list({})).transactions).toHaveLength(50);
    await Promise.all(writes);
  });

  it('hides writes from readers until they are durable', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    const write = store.create(detailsOf('g'));
    expect(await store.find('g')).toBeUndefined();
    await write;
    expect(await store.find('g')).toBeDefined();
  });

  it('has one commit for concurrent writes, and each commit is flushed to the disk', async () => {
    const exec = vi.spyOn(Database.prototype, 'exec');
    onTestFinished(() => exec.mockRestore());
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    const connection = exec.mock.contexts[0] as Database.Database;
    expect(connection.prepare('pragma journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    expect(connection.prepare('pragma synchronous').get()).toMatchObject({ synchronous: 2 });

    exec.mockClear();
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.create(detailsOf(`g${index}`))));
    expect(exec.mock.calls.filter(([sql]) => sql === 'COMMIT')).toHaveLength(1);
  });
});

describe('a file that the SQLite store refuses', () => {
  it('is in use by another store of this process', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const first = await openStore(path);
    const error = await errorOf(sqliteStore({ path }).open());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(
      /is in use by another process: .*stop the other process or use another path/,
    );
    // the first store keeps working
    expect(await first.create(detailsOf('g'))).toBe(true);
    await first.close();
    expect(await (await openStore(path)).find('g')).toBeDefined();
  });

  it('is in use by another process, until that ends', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const script = `
      import Database from 'libsql';
      const database = new Database(process.argv[1]);
      for (const sql of ['pragma locking_mode = exclusive', 'pragma journal_mode = wal', 'begin exclusive', 'commit']) database.exec(sql);
      process.stdout.write('open');
      process.stdin.resume();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill());
    await once(child.stdout, 'data');
    const store = sqliteStore({ path });
    expect(await errorOf(store.open())).toMatchObject({
      code: 'DTM_STORE',
      message: expect.stringContaining('in use by another process'),
    });

    child.kill('SIGKILL');
    await once(child, 'exit');
    await store.open();
    await store.close();
  });

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'is no database',
      (path) => writeFileSync(path, 'this is a text file, not a database, and long enough to tell'.repeat(20)),
      /is damaged or not a store; restore it/,
    ],
    [
      'is damaged',
      (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xff, 200));
      },
      /is damaged or not a store; restore it/,
    ],
    [
      'has a newer layout',
      (path) => {
        const database = new Database(path);
        database.exec('pragma user_version = 99');
        database.close();
      },
      /has layout 99, but this version supports up to 1; use a newer version of nestjs-dtm/,
    ],
  ])('%s', async (_, spoil, message) => {
    const path = join(tempFolder(), 'dtm.db');
    await (await openStore(path)).close();
    spoil(path);
    const before = readFileSync(path);
    const error = await errorOf(sqliteStore({ path }).open());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(path);
    // the file is unchanged, so that it can be repaired
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('cannot be created at its path', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));
    for (const path of [join(folder, 'file', 'dtm.db'), join(folder, 'folder')]) {
      const error = await errorOf(sqliteStore({ path }).open());
      expect(error).toBeInstanceOf(DtmStoreError);
      expect((error as Error).message).toMatch(/cannot be opened/);
    }
  });
});

describe('the life cycle of the SQLite store', () => {
  it('begins with open(): every operation before is refused', async () => {
    const store = sqliteStore({ path: join(tempFolder(), 'dtm.db') });
    await expectClosed(store);
  });

  it('ends with close(): every operation after it is refused', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    await store.close();
    await expectClosed(store);
  });

  it('can begin again', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    await store.create(detailsOf('g'));
    await store.close();
    await store.open();
    expect(await store.find('g')).toBeDefined();
  });

  it('open() and close() can be repeated, even concurrently', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    await store.open();
    await Promise.all([store.close(), store.close()]);
    await store.close();
  });

  it('close() waits for running writes, which are durable', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    const writes = Array.from({ length: 10 }, (_, index) => store.create(detailsOf(`g${index}`)));
    await store.close();
    expect(await Promise.all(writes)).toEqual(Array.from({ length: 10 }, () => true));
    expect((await (await openStore(path)).list({})).transactions).toHaveLength(10);
  });

  it('close() refuses further writes that follow from one another', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    const chain = async (): Promise<never> => {
      for (let index = 0; ; index++) await store.create(detailsOf(`g${index}`));
    };
    const chains = [chain(), chain(), chain()].map(errorOf);
    await store.create(detailsOf('first'));
    await store.close();
    for (const error of await Promise.all(chains)) expect(error).toBeInstanceOf(DtmStoreError);
  });
});

describe('a write that fails', () => {
  it('does not affect other writes, leaves nothing behind, and does not affect later writes', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    await store.create(detailsOf('due'));
    const broken = (): never => {
      throw new Error('disk on fire');
    };
    const results = await Promise.allSettled([
      store.create(detailsOf('before')),
      store.claim(TIME, 'me', broken, 10),
      store.create(detailsOf('after')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const { reason } = results[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(DtmStoreError);
    expect((reason as Error).message).toMatch(/could not write \(disk on fire\); nothing was stored/);
    expect((await store.find('due'))?.transaction.owner).toBeUndefined();
    for (const gid of ['before', 'after']) expect(await store.find(gid)).toBeDefined();
  });
});

describe('a store that cannot write', () => {
  it('is told by a commit that changes nothing, until it can write again', async () => {
    const store = await openStore(join(tempFolder(), 'dtm.db'));
    const exec = vi.spyOn(Database.prototype, 'exec');
    onTestFinished(() => exec.mockRestore());
    await store.assertWritable!();
    expect(exec.mock.calls.map(([sql]) => sql)).toEqual(['BEGIN IMMEDIATE', 'pragma user_version = 1', 'COMMIT']);
    exec.mockImplementation(() => {
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    });
    await expect(store.assertWritable!()).rejects.toThrow(/^the store could not write \(database or disk is full\)/);
    exec.mockRestore();
    await store.assertWritable!();
  });

  it('is told for good when a write has found damage', async () => {
    const path = join(tempFolder(), 'dtm.db');
    await (await openStore(path)).close();
    const store = sqliteStore({ path, checkAtStart: false });
    await store.open();
    onTestFinished(() => store.close());
    const file = openSync(path, 'r+');
    writeSync(file, noise(fstatSync(file).size - 4096), 0, undefined, 4096);
    closeSync(file);
    await expect(store.create(detailsOf('g'))).rejects.toThrow(/^the store could not write \(.*malformed.*\)/);
    const error = await errorOf(store.assertWritable!());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(/^the file of the store is damaged; stop the coordinator, restore/);
  });
});

describe('the log of the SQLite store', () => {
  it('is truncated although transactions were scanned without a change', async () => {
    const exec = vi.spyOn(Database.prototype, 'exec');
    onTestFinished(() => exec.mockRestore());
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    const connection = exec.mock.contexts[0] as Database.Database;
    const later = { nextCronTime: TIME + 60_000 };
    await Promise.all(Array.from({ length: 300 }, (_, index) => store.create(detailsOf(`g${index}`, later))));
    expect(await wakeAll(store, TIME, { laterThan: TIME, limit: 1 })).toBe(1);
    expect(await wakeAll(store, TIME, { target: 'http://b', laterThan: TIME, limit: 1 })).toBe(1);
    expect(connection.prepare('pragma wal_checkpoint').all()).toMatchObject([{ busy: 0 }]);
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('can end anywhere, as after a crash: everything up to there is found, in order', async () => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    const gids = Array.from({ length: 12 }, (_, index) => `g${index}`);
    for (const gid of gids) await store.create(detailsOf(gid));
    const { length } = readFileSync(`${path}-wal`);
    const random = seededRandom(1);
    const lengths = new Set<number>();
    for (let time = 0; time < 40; time++) {
      const copy = copyOf(path);
      truncateSync(`${copy}-wal`, Math.floor(random() * (length + 1)));
      const opened = await openStore(copy);
      const found = (await opened.list({})).transactions.map(({ gid }) => gid).toReversed();
      expect(found).toEqual(gids.slice(0, found.length));
      lengths.add(found.length);
      await opened.close();
    }
    expect(lengths.size).toBeGreaterThan(5);
  });
});

describe('a damaged file', () => {
  const GIDS = Array.from({ length: 40 }, (_, index) => `g${index}`);

  /** A store of some pages, closed properly. */
  async function filled(): Promise<string> {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    const branches = Array.from({ length: 100 }, (_, index) => branchOf(`${index}`, { payload: 'x'.repeat(100) }));
    await store.create({ transaction: transactionOf('many'), branches });
    await store.update({ status: 'submitted' }, transactionOf('many'), new Map([[99, branches[99]!]]));
    for (const gid of GIDS) await store.create(detailsOf(gid, { rollbackReason: 'y'.repeat(500) }));
    await store.putKv({ category: 'c', key: 'k', value: 'v', version: 1, createTime: TIME, updateTime: TIME });
    await store.close();
    return path;
  }

  it.each([
    ['zeros', () => Buffer.alloc(4096)],
    ['ones', () => Buffer.alloc(4096, 0xff)],
    ['noise', () => noise(4096)],
  ])('with any page of %s is refused or complete', async (_, garbage) => {
    const path = await filled();
    const intact = readFileSync(path);
    const pages = intact.length / 4096;
    expect(pages).toBeGreaterThan(20);
    let refused = 0;
    for (let page = 0; page < pages; page++) {
      const spoilt = Buffer.from(intact);
      garbage().copy(spoilt, page * 4096);
      writeFileSync(path, spoilt);
      const store = sqliteStore({ path });
      const error = await errorOf(store.open());
      if (error) {
        refused += 1;
        expect(error).toBeInstanceOf(DtmStoreError);
        expect((error as Error).message).toMatch(/is damaged .*restore it with its -wal file from a backup/);
        expect(readFileSync(path).equals(spoilt), 'left as it was, for whoever can repair it').toBe(true);
        continue;
      }
      expect((await store.list({ limit: 100 })).transactions).toHaveLength(GIDS.length + 1);
      for (const gid of GIDS) expect((await store.find(gid))?.branches, `page ${page}`).toHaveLength(2);
      await store.close();
    }
    // an unused page may contain anything
    expect(refused).toBeGreaterThan(pages / 2);
  });

  it.each([4095, 4096, 8192, 20_000, 40_000])('that ends after %i bytes is refused', async (length) => {
    const path = await filled();
    truncateSync(path, length);
    expect(await errorOf(sqliteStore({ path }).open())).toMatchObject({
      code: 'DTM_STORE',
      message: expect.stringMatching(/is damaged .*restore it/),
    });
  });

  it('with an unreadable unfinished transaction is refused with the gid', async () => {
    const path = await filled();
    const database = new Database(path);
    database.exec(`update trans_global set record = '{"nextCron' where gid = 'g7'`);
    database.close();
    expect(await errorOf(sqliteStore({ path }).open())).toMatchObject({
      code: 'DTM_STORE',
      message: expect.stringMatching(/is damaged \(transaction g7 cannot be read\); restore it/),
    });
  });

  it('is found at the read when the check at start is off', async () => {
    const path = await filled();
    const database = new Database(path);
    database.exec(`update trans_global set record = '{"nextCron' where gid = 'g7'`);
    database.close();
    const store = sqliteStore({ path, checkAtStart: false });
    await store.open();
    onTestFinished(() => store.close());
    const results = await Promise.allSettled([
      store.find('g7'),
      store.list({}),
      store.claim(TIME, 'me', () => TIME, 99),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DTM_STORE' } });
      expect((result as PromiseRejectedResult).reason).not.toMatchObject({ message: expect.stringContaining(path) });
    }
    await expect(store.find('g7')).rejects.toThrow(/^the store could not be read: (?!.*dtm\.db)/);
    expect(await store.find('g8')).toBeDefined();
    expect(await store.create(detailsOf('new'))).toBe(true);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'a log of noise',
      (path) => writeFileSync(`${path}-wal`, noise(50_000)),
      /is damaged \(the log .*-wal cannot be read\)/,
    ],
    ['a log of zeros', (path) => writeFileSync(`${path}-wal`, Buffer.alloc(50_000)), /is damaged \(the log/],
    [
      'a log whose header is wrong by one bit',
      (path) => {
        const log = readFileSync(`${path}-wal`);
        log[20]! ^= 1;
        writeFileSync(`${path}-wal`, log);
      },
      /is damaged \(the log/,
    ],
    ['nothing but a log', (path) => rmSync(path), /is missing, but its log .*-wal is not; restore both from a backup/],
    ['an empty file and a log', (path) => truncateSync(path), /is empty, but its log .*-wal is not; restore both/],
  ])('with %s is refused, because the log contains acknowledged writes', async (_, spoil, message) => {
    const path = join(tempFolder(), 'dtm.db');
    const store = await openStore(path);
    await store.create(detailsOf('acknowledged'));
    const copy = copyOf(path);
    spoil(copy);
    const log = readFileSync(`${copy}-wal`);
    const error = await errorOf(sqliteStore({ path: copy }).open());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(message);
    expect(readFileSync(`${copy}-wal`).equals(log)).toBe(true);
  });

  it('that is empty or without tables is a new store, whose creation was interrupted', async () => {
    const path = join(tempFolder(), 'dtm.db');
    writeFileSync(path, '');
    const store = await openStore(path);
    expect(await store.create(detailsOf('g'))).toBe(true);
    await store.close();
    const empty = join(tempFolder(), 'dtm.db');
    const database = new Database(empty);
    database.exec('begin exclusive; commit');
    database.close();
    expect(await (await openStore(empty)).create(detailsOf('g'))).toBe(true);
  });
});

describe('a database of another application', () => {
  it.each([
    ['', ''],
    ['that has versions of its own', 'pragma user_version = 1;'],
    [
      'that has tables of the same name',
      'create table trans_global (id integer primary key); pragma user_version = 1;',
    ],
    ['that says what it is', 'pragma application_id = 1;'],
    ['that writes a log', 'pragma journal_mode = wal;'],
  ])('%s is refused and not changed', async (_, own) => {
    const path = join(tempFolder(), 'other.db');
    const database = new Database(path);
    database.exec(`${own} create table customers (name text); insert into customers values ('Ann')`);
    database.close();
    const before = readFileSync(path);
    const error = await errorOf(sqliteStore({ path }).open());
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toBe(`store file ${path} is a database of another application; use another path`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

/** Meaningless bytes. */
function noise(length: number): Buffer {
  const random = seededRandom(length);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

async function expectClosed(store: Store): Promise<void> {
  const calls = [
    store.create(detailsOf('g')),
    store.find('g'),
    store.addBranches('g', 'tcc', []),
    store.update({ status: 'submitted' }, transactionOf('g'), new Map()),
    store.claim(TIME, 'me', () => TIME, 1),
    store.list({}),
  ];
  for (const error of await Promise.all(calls.map(errorOf))) {
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(/^the store is closed; the coordinator is stopped, or not started yet/);
  }
}
