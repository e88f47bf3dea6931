import libsql from 'libsql';
import { barrierContract } from './barrier-contract.js';
import { typeOrmBed } from './beds/typeorm-bed.js';

barrierContract('typeOrmBarrier on libSQL', () =>
  typeOrmBed({ type: 'better-sqlite3', driver: libsql, database: ':memory:' }),
);
