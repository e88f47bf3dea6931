import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createStore } from '../../../lib/cli/serve/create-store.js';
import { readConfig } from '../../../lib/cli/serve/config/read-config.js';

const storeOf = (env: Record<string, string>) => createStore(readConfig({ env }).config);

describe('createStore', () => {
  it('creates the store that Store.Driver names', async () => {
    expect((await storeOf({})).name).toBe(`sqlite ${resolve('.dtm/dtm.db')}`);
    expect((await storeOf({ STORE_PATH: 'x.db' })).name).toBe(`sqlite ${resolve('x.db')}`);
    expect((await storeOf({ STORE_DRIVER: 'memory' })).name).toMatch(/^memory/);
  });

  it.each([
    ['postgres', 5432],
    ['mysql', 3306],
  ])('gives %s its connection, with the default port %i, and shows no password', async (driver, port) => {
    const env = { STORE_DRIVER: driver, STORE_HOST: 'db.internal', STORE_USER: 'u', STORE_PASSWORD: 'hunter2' };
    const { name } = await storeOf({ ...env, STORE_DB: 'bank' });
    expect(name).toMatch(new RegExp(`^${driver} db\\.internal:${port}\\b.*\\bbank\\b`));
    expect(name).not.toContain('hunter2');
    expect((await storeOf({ ...env, STORE_PORT: '7777' })).name).toContain('db.internal:7777');
  });

  it('gives postgres its schema', async () => {
    const env = { STORE_DRIVER: 'postgres', STORE_HOST: 'db', STORE_USER: 'u', STORE_SCHEMA: 'ledger' };
    expect((await storeOf(env)).name).toContain('ledger');
  });
});
