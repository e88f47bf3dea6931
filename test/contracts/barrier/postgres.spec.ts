import { afterAll, beforeAll, describe } from 'vitest';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from './barrier-contract.js';
import { knexFixture } from './fixtures/knex-fixture.js';
import { kyselyFixture } from './fixtures/kysely-fixture.js';
import { pgPoolFixture } from './fixtures/pg-pool-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  barrierContract('pgBarrier with a pool', () => pgPoolFixture(server.url));
  barrierContract('kyselyBarrier', () => kyselyFixture('postgres', server.url));
  barrierContract('knexBarrier', () => knexFixture('pg', server.url));
  barrierContract('typeOrmBarrier', () => typeOrmFixture({ type: 'postgres', url: server.url, extra: { max: 30 } }));
});
