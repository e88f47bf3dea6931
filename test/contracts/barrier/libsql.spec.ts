import libsql from 'libsql';
import { barrierContract } from './barrier-contract.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

barrierContract('typeOrmBarrier on libSQL', () =>
  typeOrmFixture({ type: 'better-sqlite3', driver: libsql, database: ':memory:' }),
);
