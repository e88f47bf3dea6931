import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import type { Store } from 'nestjs-dtm/server';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { sqlLayoutCases } from './cases/sql-layout.js';
import { sqlLifeCases } from './cases/sql-life.js';
import { sqlModelCases } from './cases/sql-model.js';
import { sqlSharingCases } from './cases/sql-sharing.js';
import { sqlWriteCases } from './cases/sql-writes.js';
import type { SqlServer, SqlServerKind, SqlTables, StoreChange } from './sql-servers.js';
import { describeStore } from './store-contract.js';

/** The fixture of a case. */
export interface SqlStoreFixture {
  /** The database server. */
  readonly server: SqlServer;
  /** A schema or database for tables that does not exist yet. */
  newTables(): SqlTables;
  /** A store that is closed at the end of the test. */
  open(tables: SqlTables, change?: StoreChange): Promise<Store>;
}

/**
 * The contract of every store in an SQL database, besides the contract of every store.
 *
 * @param kind - of database
 * @param more - cases of this kind alone
 */
export function describeSqlStore(kind: SqlServerKind, more: (fixture: SqlStoreFixture) => void): void {
  const needs = requireOrSkip(kind.service);
  describe.skipIf(!needs.available)(needs.title(kind.title), () => {
    let server: SqlServer | undefined;
    const fixture: SqlStoreFixture = {
      get server() {
        return server!;
      },
      newTables: () => server!.newTables(),
      async open(tables, change) {
        const store = tables.store(change);
        await store.open();
        onTestFinished(() => store.close());
        return store;
      },
    };
    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(() => server?.stop());

    describeStore(`${kind.title} store`, () => fixture.newTables().store());
    sqlModelCases(fixture);
    sqlWriteCases(fixture);
    sqlSharingCases(fixture);
    sqlLayoutCases(fixture);
    sqlLifeCases(fixture);
    more(fixture);
  });
}
