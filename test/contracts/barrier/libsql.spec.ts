import libsql from 'libsql';
import { barrierContract } from './barrier-contract.js';
import { kyselyFixture } from './fixtures/kysely-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

barrierContract('typeOrmBarrier on libSQL', () =>
  typeOrmFixture({ type: 'better-sqlite3', driver: libsql, database: ':memory:' }),
);
barrierContract('kyselyBarrier on libSQL', () => kyselyFixture('sqlite', ':memory:'));
