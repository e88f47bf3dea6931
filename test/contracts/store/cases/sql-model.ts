import type { BranchRecord, TransactionRecord } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { expect, it } from 'vitest';
import type { SqlTables } from '../sql-servers.js';
import type { SqlStoreFixture } from '../sql-store-contract.js';
import { StoreModel } from '../store-model.js';

/** Random operations on a store with these tables and on a memory store. */
export function sqlModelCases(fixture: SqlStoreFixture): void {
  it('behaves like the memory store, with restarts and arbitrary texts', { timeout: 120_000 }, async () => {
    const seed = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const tables = fixture.newTables();
    const model = new StoreModel(seed, () => asModelled(tables));
    await model.run(500, (actual, wanted, title) => {
      expect(kept(actual), `${title}; again with DTM_SEED=${seed}`).toEqual(kept(wanted));
    });
  });
}

/** A store that releases all leases when it is opened: the model has a single process. */
function asModelled(tables: SqlTables): Store {
  const store = tables.store();
  return new Proxy(store, {
    get(target, name: keyof Store) {
      if (name === 'name') return target.name;
      if (name === 'create') return (details: Parameters<Store['create']>[0]) => target.create(kept(details));
      if (name === 'update') {
        return (...[expected, transaction, branches]: Parameters<Store['update']>) =>
          target.update(
            expected,
            kept(transaction),
            new Map([...branches].map(([index, item]) => [index, kept(item)])),
          );
      }
      if (name !== 'open') return (target[name] as (...args: unknown[]) => unknown).bind(target);
      return async () => {
        await target.open();
        const owned = `owner <> '' and status in ('prepared', 'submitted', 'aborting')`;
        await tables.sql(`update trans_global set owner = '', next_cron_time = '1970-01-01 00:00:00' where ${owned}`);
      };
    },
  });
}

/** The value that a database stores: no broken Unicode, in some no NUL, and no difference between an empty text and none. */
function kept<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd') as T;
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(kept) as T;
  const fields = Object.entries(value).map(([name, field]) => [name, isNone(name, field) ? undefined : kept(field)]);
  return Object.fromEntries(fields) as T;
}

/** Fields whose empty value equals an absent value. */
const OPTIONAL: readonly (keyof TransactionRecord | keyof BranchRecord)[] = [
  'rollbackReason',
  'customData',
  'queryPrepared',
  'result',
];

function isNone(name: string, field: unknown): boolean {
  return field === '' && (OPTIONAL as readonly string[]).includes(name);
}
