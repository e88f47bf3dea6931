import type { BranchRecord, TransactionRecord } from 'nestjs-dtm/protocol';
import type { Store } from 'nestjs-dtm/server';
import { expect, it } from 'vitest';
import type { SqlTables } from '../sql-servers.js';
import type { SqlStoreBed } from '../sql-store-contract.js';
import { StoreModel } from '../store-model.js';

/** A random walk over a store on these tables, and one in memory. */
export function sqlModelCases(bed: SqlStoreBed): void {
  it('does, over restarts and whatever the texts, what the memory store does', { timeout: 120_000 }, async () => {
    const seed = Number(process.env['DTM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const tables = bed.newTables();
    const model = new StoreModel(seed, () => asModelled(tables));
    await model.run(500, (actual, wanted, title) => {
      expect(kept(actual), `${title}; again with DTM_SEED=${seed}`).toEqual(kept(wanted));
    });
  });
}

/** A store that makes due, when it is opened, what is owned: the model is one of a process that has its store alone. */
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

/** What a database keeps of a value: no broken Unicode, for some no NUL, and no difference between an empty text and none. */
function kept<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd') as T;
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(kept) as T;
  const fields = Object.entries(value).map(([name, field]) => [name, isNone(name, field) ? undefined : kept(field)]);
  return Object.fromEntries(fields) as T;
}

/** Fields that are as good as absent when they are empty. */
const OPTIONAL: readonly (keyof TransactionRecord | keyof BranchRecord)[] = [
  'rollbackReason',
  'customData',
  'queryPrepared',
  'result',
];

function isNone(name: string, field: unknown): boolean {
  return field === '' && (OPTIONAL as readonly string[]).includes(name);
}
