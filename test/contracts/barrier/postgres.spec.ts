import { afterAll, beforeAll, describe } from 'vitest';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from './barrier-contract.js';
import { pgPoolBed } from './beds/pg-pool-bed.js';
import { typeOrmBed } from './beds/typeorm-bed.js';

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  barrierContract('pgBarrier with a pool', () => pgPoolBed(server.url));
  barrierContract('typeOrmBarrier', () => typeOrmBed({ type: 'postgres', url: server.url, extra: { max: 30 } }));
});
