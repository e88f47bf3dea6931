import { DtmStoreError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { detailsOf } from '../records.js';
import type { SqlStoreFixture } from '../sql-store-contract.js';

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DtmStoreError);
  return (error as Error).message;
}

/** The statements in a message that asks to run them. */
function statementsIn(message: string): string[] {
  const [, text = ''] = message.split('run there:\n\n');
  return text.split(/;\n+/).filter((statement) => statement.trim() !== '');
}

/** Creating and altering the tables. */
export function sqlLayoutCases(fixture: SqlStoreFixture): void {
  describe('the tables', () => {
    it('are created once by stores that open at the same time', async () => {
      const tables = fixture.newTables();
      const stores = await Promise.all(Array.from({ length: 5 }, () => fixture.open(tables, { maxConnections: 2 })));
      const results = await Promise.all(stores.map((store) => store.create(detailsOf('g'))));
      expect(results.filter(Boolean)).toHaveLength(1);
    });

    it('are not created when migrate is false; the message contains all statements to run', async () => {
      const tables = fixture.newTables();
      await (await fixture.open(fixture.newTables())).close();
      await tables.sql('select 1');
      const store = tables.store({ migrate: false });
      const message = await messageOf(store.open());
      expect(message).toMatch(/migrate is false/);
      for (const statement of statementsIn(message)) await tables.sql(statement);
      await store.open();
      expect(await store.create(detailsOf('g'))).toBe(true);
      expect(await store.find('g')).toEqual(detailsOf('g'));
      await store.close();
    });

    it('of another application are not changed', async () => {
      const tables = fixture.newTables();
      await (await fixture.open(tables)).close();
      await tables.sql('drop table kv');
      await tables.sql('create table kv (id int primary key, name varchar(10))');
      await tables.sql(`insert into kv values (1, 'theirs')`);
      const message = await messageOf(tables.store().open());
      expect(message).toMatch(/table kv exists, but it is not a table of dtm: it has no column cat; use another/);
      expect(await tables.sql('select * from kv')).toEqual([{ id: 1, name: 'theirs' }]);
    });

    it('are not altered when they are complete', async () => {
      const tables = fixture.newTables();
      await (await fixture.open(tables)).close();
      const again = tables.store({ migrate: false });
      await again.open();
      await again.close();
    });

    it('are completed when tables or columns are missing', async () => {
      const tables = fixture.newTables();
      await (await fixture.open(tables)).close();
      await tables.sql('drop table kv');
      await tables.sql('alter table trans_global drop column attention');
      await tables.sql('alter table trans_branch_op drop column last_error');
      const store = await fixture.open(tables);
      await store.create(detailsOf('g', { attention: 'look' }));
      expect(await store.find('g')).toEqual(detailsOf('g', { attention: 'look' }));
      expect((await store.listKv({})).records).toEqual([]);
    });
  });
}
