import { memoryStore, sqliteStore, type Store } from 'nestjs-dtm/server';
import { chmodSync, copyFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startCoordinator } from '../../support/coordinator.js';
import { tempFolder } from '../../support/temp-folder.js';
import { detailsOf } from './records.js';

/** Opens a store that is closed after the test. */
async function openStore(path: string, acceptLoss = false): Promise<Store> {
  const store = sqliteStore({ path, acceptLoss });
  await store.open();
  onTestFinished(() => store.close().catch(() => undefined));
  return store;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** Sets NODE_ENV and the working directory for this test. */
function runIn(environment: string | undefined, folder: string): void {
  vi.stubEnv('NODE_ENV', environment);
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    cwd.mockRestore();
  });
}

describe.skipIf(process.platform === 'win32')('the files of the SQLite store', () => {
  it('are closed to other users', async () => {
    const folder = tempFolder();
    const store = await openStore(join(folder, 'dtm.db'));
    await store.create(detailsOf('g'));
    const modes = Object.fromEntries(readdirSync(folder).map((name) => [name, modeOf(join(folder, name))]));
    expect(modes).toEqual({ 'dtm.db': '600', 'dtm.db-wal': '600' });
  });

  it('are closed to other users, too, when a damaged log is set aside', async () => {
    const folder = tempFolder();
    const path = join(folder, 'copy.db');
    const first = await openStore(join(tempFolder(), 'dtm.db'));
    await first.create(detailsOf('g'));
    for (const end of ['', '-wal']) copyFileSync(`${first.name.replace('sqlite ', '')}${end}`, `${path}${end}`);
    writeFileSync(`${path}-wal`, 'no log'.repeat(20));
    await openStore(path, true);
    const names = readdirSync(folder).toSorted();
    expect(names).toEqual(['copy.db', 'copy.db-wal', expect.stringMatching(/^copy\.db-wal\.\d+$/)]);
    expect(names.map((name) => modeOf(join(folder, name)))).toEqual(names.map(() => '600'));
  });

  it('keep the mode that an administrator gave them, with a warning when it is open to all', async () => {
    const path = join(tempFolder(), 'dtm.db');
    await (await openStore(path)).close();
    chmodSync(path, 0o640);
    const shared = await openStore(path);
    expect([modeOf(path), shared.findRisks?.()]).toEqual(['640', []]);
    await shared.close();
    chmodSync(path, 0o644);
    const open = await openStore(path);
    expect(open.findRisks?.()).toEqual([expect.stringMatching(/dtm\.db is open to other users .*chmod 600/)]);
    expect(modeOf(path)).toBe('644');
  });

  it('are created by the store only: an empty file keeps its mode', async () => {
    const path = join(tempFolder(), 'dtm.db');
    writeFileSync(path, '', { mode: 0o660 });
    chmodSync(path, 0o660);
    await openStore(path);
    expect(modeOf(path)).toBe('660');
  });
});

describe('the risks of a store', () => {
  const inFolder = /^store file .*dtm\.db is in the working directory: .*sqliteStore.*volume/;
  const oneFile = /^the store is one SQLite file: .*postgresStore or mysqlStore$/;

  it.each([
    ['production', 'inside', [oneFile, inFolder]],
    ['production', 'outside', [oneFile]],
    [undefined, 'inside', [inFolder]],
    [undefined, 'outside', []],
    ['development', 'inside', []],
    ['test', 'inside', []],
  ])('of SQLite with NODE_ENV=%s, %s the working directory', async (environment, place, texts) => {
    const folder = tempFolder();
    runIn(environment, place === 'inside' ? folder : join(folder, 'other'));
    const store = await openStore(join(folder, 'data', 'dtm.db'));
    expect(store.findRisks?.()).toEqual(texts.map((text) => expect.stringMatching(text) as unknown));
  });

  it.each(['production', 'development', undefined])('of memory with NODE_ENV=%s', (environment) => {
    runIn(environment, process.cwd());
    const risks = memoryStore().findRisks?.();
    expect(risks).toEqual(environment === 'production' ? [expect.stringMatching(/^the store is in memory: /)] : []);
  });

  it('are warnings at the start', async () => {
    runIn('production', process.cwd());
    const { logger } = await startCoordinator({ store: memoryStore() });
    expect(logger.of('warn')).toEqual([expect.stringMatching(/^the store is in memory: .*sqliteStore/)]);
  });
});
