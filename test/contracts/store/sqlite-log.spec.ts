import Database from 'libsql';
import { DtmStoreError } from 'nestjs-dtm/protocol';
import { sqliteStore, type Store } from 'nestjs-dtm/server';
import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tempFolder } from '../../support/temp-folder.js';
import { detailsOf } from './records.js';

/** One frame of the log: its header and a page. */
const FRAME_BYTES = 24 + 4096;

/** Fills a quarter of the log. */
const LARGE = 'x'.repeat(8 * 1024 * 1024);

interface TestStore {
  readonly path: string;
  readonly store: Store;
}

async function openStore(path = join(tempFolder(), 'dtm.db')): Promise<TestStore> {
  const store = sqliteStore({ path });
  await store.open();
  onTestFinished(() => store.close());
  return { path, store };
}

/** A store with the transactions g0 to g11, each a commit of its own, and the length of the log after each of them. */
async function filledStore(): Promise<TestStore & { readonly lengths: readonly number[] }> {
  const opened = await openStore();
  const lengths: number[] = [];
  for (let index = 0; index < 12; index++) {
    await opened.store.create(detailsOf(`g${index}`));
    lengths.push(statSync(`${opened.path}-wal`).size);
  }
  return { ...opened, lengths };
}

/** A copy of the file and its log, as a kill of the process now would leave them. */
function copyOf(path: string): string {
  const copy = join(tempFolder(), 'dtm.db');
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  return copy;
}

/** The gids in the store, oldest first; undefined when it is refused with the message. */
async function gidsOf(path: string, refusal: RegExp, acceptLoss = false): Promise<string[] | undefined> {
  const store = sqliteStore({ path, acceptLoss });
  const file = readFileSync(path);
  try {
    await store.open();
  } catch (error) {
    expect(error).toBeInstanceOf(DtmStoreError);
    expect((error as Error).message).toMatch(refusal);
    expect(readFileSync(path).equals(file), 'left as it was').toBe(true);
    return undefined;
  }
  const found: string[] = [];
  let position = '';
  do {
    const page = await store.list({ limit: 1000, position });
    found.unshift(...page.transactions.map(({ gid }) => gid).toReversed());
    position = page.nextPosition;
  } while (position !== '');
  await store.close();
  return found;
}

const gids = (count: number): string[] => Array.from({ length: count }, (_, index) => `g${index}`);

const MISSING =
  /is damaged \(the log .*-wal is missing\): .*restore it with its -wal file from a backup, or set acceptLoss/;
const DAMAGED = /is damaged \(the log .*-wal is damaged in the middle\): /;
const FOREIGN = /is damaged \(the log .*-wal belongs to another file, or to another time\): /;

/** Lets the store look at the length of its log before each write. */
function checkLogAlways(): void {
  let time = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 20));
  onTestFinished(() => clock.mockRestore());
}

describe('a file without its log', () => {
  it('is refused after a kill, at any age of the log', async () => {
    checkLogAlways();
    const { path, store } = await openStore();
    for (let index = 0; index < 7; index++) {
      await store.create(detailsOf(`g${index}`, { customData: LARGE }));
      const copy = copyOf(path);
      expect(await gidsOf(copyOf(path), MISSING)).toEqual(gids(index + 1));
      rmSync(`${copy}-wal`);
      expect(await gidsOf(copy, MISSING)).toBeUndefined();
    }
    // the log was copied to the file more than once
    expect(statSync(`${path}-wal`).size).toBeLessThan(6 * LARGE.length);
  });

  it.each(['is empty', 'is shorter than its header'])('is refused when the log %s', async (state) => {
    const { path } = await filledStore();
    const copy = copyOf(path);
    truncateSync(`${copy}-wal`, state === 'is empty' ? 0 : 31);
    expect(await gidsOf(copy, MISSING)).toBeUndefined();
  });

  it('is refused at every step of a copy of the log to the file', async () => {
    const { path, store } = await openStore();
    await store.create(detailsOf('g0'));
    const copies: string[] = [];
    const spies = (['exec', 'prepare'] as const).map((method) => {
      const original = Database.prototype[method] as (sql: string) => never;
      return vi.spyOn(Database.prototype, method).mockImplementation(function (this: Database.Database, sql) {
        if (/log_mark|wal_checkpoint/.test(sql)) copies.push(copyOf(path));
        return original.call(this, sql);
      });
    });
    await store.close();
    for (const spy of spies) spy.mockRestore();
    expect(copies).toHaveLength(3);
    for (const copy of copies) {
      expect(await gidsOf(copyOf(copy), MISSING)).toEqual(['g0']);
      rmSync(`${copy}-wal`);
      expect(await gidsOf(copy, MISSING)).toBeUndefined();
    }
  });

  it('is complete after a close', async () => {
    const { path, store } = await filledStore();
    await store.close();
    expect(readdirSync(dirname(path))).toEqual(['dtm.db']);
    expect(await gidsOf(path, MISSING)).toEqual(gids(12));
  });

  it('is complete when another program has copied the log to the file', async () => {
    const { path } = await filledStore();
    const copy = copyOf(path);
    const database = new Database(copy);
    database.exec('pragma wal_checkpoint(truncate)');
    database.close();
    rmSync(`${copy}-wal`, { force: true });
    expect(await gidsOf(copy, MISSING)).toEqual(gids(12));
  });

  it('is opened when an older version has written it, with its log or closed', async () => {
    const { path, store } = await openStore();
    await store.close();
    const database = new Database(path);
    database.exec(`drop table log_mark; pragma journal_mode = wal; pragma user_version = 1`);
    const crashed = copyOf(path);
    database.close();
    expect(await gidsOf(crashed, MISSING)).toEqual([]);
    expect(await gidsOf(path, MISSING)).toEqual([]);
  });
});

describe('a log of another time', () => {
  it('is refused, and stays as it is', async () => {
    checkLogAlways();
    const { path, store } = await openStore();
    await store.create(detailsOf('first'));
    const early = copyOf(path);
    for (const gid of gids(8)) await store.create(detailsOf(gid, { customData: LARGE }));
    const late = copyOf(path);
    copyFileSync(`${early}-wal`, `${path}-early`);
    copyFileSync(`${late}-wal`, `${early}-wal`);
    copyFileSync(`${path}-early`, `${late}-wal`);
    for (const copy of [early, late]) {
      const log = readFileSync(`${copy}-wal`);
      expect(await gidsOf(copy, FOREIGN)).toBeUndefined();
      expect(readFileSync(`${copy}-wal`).equals(log)).toBe(true);
    }
  });
});

describe('a damaged log', () => {
  it.each([
    ['zeros', 0],
    ['ones', 0xff],
  ])('with a block of %s before the last two commits is refused', async (_, byte) => {
    const { path, lengths } = await filledStore();
    const intact = readFileSync(`${path}-wal`);
    for (let at = 512; at + 512 <= lengths[9]!; at += 512) {
      const copy = copyOf(path);
      writeFileSync(`${copy}-wal`, Buffer.from(intact).fill(byte, at, at + 512));
      // some bytes of a page are what the block is filled with
      if (readFileSync(`${copy}-wal`).equals(intact)) continue;
      expect(await gidsOf(copy, DAMAGED), `at ${at}`).toBeUndefined();
      expect(readFileSync(`${copy}-wal`).length).toBe(intact.length);
    }
  });

  it('whose last commit is incomplete is opened without that commit, as after a power failure', async () => {
    const { path, lengths } = await filledStore();
    const intact = readFileSync(`${path}-wal`);
    expect(intact.length - lengths[10]!).toBeGreaterThan(2 * FRAME_BYTES);
    for (let at = lengths[10]!; at + 1024 <= intact.length; at += 1024) {
      const copy = copyOf(path);
      writeFileSync(`${copy}-wal`, Buffer.from(intact).fill(0xaa, at, at + 1024));
      expect(await gidsOf(copy, DAMAGED)).toEqual(gids(11));
    }
  });

  it('is opened when only failed commits have left frames in it', async () => {
    const { path } = await filledStore();
    const base = readFileSync(`${path}-wal`);
    /** Frames of a commit that follows on the log. */
    const commitOf = (...sql: string[]): Buffer => {
      const copy = copyOf(path);
      const database = new Database(copy);
      database.exec(`pragma wal_autocheckpoint = 0; begin; ${sql.join('; ')}; commit`);
      const log = readFileSync(`${copy}-wal`);
      database.close();
      return log.subarray(base.length);
    };
    const rows = (count: number): string[] =>
      Array.from(
        { length: count },
        (_, index) => `insert into kv values (${index + 1}, 'c', '${index}', '${LARGE.slice(0, 9000)}', 1, 1, 1)`,
      );
    const failed = commitOf(...rows(8));
    const alsoFailed = commitOf(...rows(3));
    const last = commitOf('pragma user_version = 1');
    expect(failed.length).toBeGreaterThan(alsoFailed.length + FRAME_BYTES);
    const copy = copyOf(path);
    const leftovers = [alsoFailed.subarray(last.length), failed.subarray(alsoFailed.length)];
    writeFileSync(`${copy}-wal`, Buffer.concat([base, last, ...leftovers]));
    expect(await gidsOf(copy, DAMAGED)).toEqual(gids(12));
  });
});

describe('acceptLoss', () => {
  it('opens a file without its log once', async () => {
    const { path } = await filledStore();
    const copy = copyOf(path);
    rmSync(`${copy}-wal`);
    expect(await gidsOf(copy, MISSING, true)).toEqual([]);
    expect(await gidsOf(copy, MISSING)).toEqual([]);
  });

  it('keeps what comes before the damage, and a copy of the log', async () => {
    const { path, lengths } = await filledStore();
    const copy = copyOf(path);
    const damaged = readFileSync(`${copy}-wal`).fill(0, lengths[4]!, lengths[4]! + 512);
    writeFileSync(`${copy}-wal`, damaged);
    expect(await gidsOf(copy, DAMAGED, true)).toEqual(gids(5));
    const [aside] = readdirSync(dirname(copy)).filter((name) => name.startsWith('dtm.db-wal.'));
    expect(readFileSync(join(dirname(copy), aside!)).equals(damaged)).toBe(true);
    expect(await gidsOf(copy, DAMAGED)).toEqual(gids(5));
  });

  it('sets a log of another file aside', async () => {
    const { path } = await filledStore();
    const copy = copyOf(path);
    const other = await filledStore();
    copyFileSync(`${other.path}-wal`, `${copy}-wal`);
    expect(await gidsOf(copy, FOREIGN)).toBeUndefined();
    expect(await gidsOf(copy, FOREIGN, true)).toEqual([]);
    expect(readdirSync(dirname(copy)).some((name) => name.startsWith('dtm.db-wal.'))).toBe(true);
  });
});
