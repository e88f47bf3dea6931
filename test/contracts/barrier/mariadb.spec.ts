import { afterAll, beforeAll, describe } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from './barrier-contract.js';
import { knexFixture } from './fixtures/knex-fixture.js';
import { kyselyFixture } from './fixtures/kysely-fixture.js';
import { mysql2PoolFixture } from './fixtures/mysql2-pool-fixture.js';
import { typeOrmFixture } from './fixtures/typeorm-fixture.js';

const mariadb = requireOrSkip('mariadb');

describe.skipIf(!mariadb.available)(mariadb.title('MariaDB'), () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  barrierContract('mysql2Barrier', () => mysql2PoolFixture(server.url));
  barrierContract('kyselyBarrier', () => kyselyFixture('mysql', server.url));
  barrierContract('knexBarrier', () => knexFixture('mysql2', server.url));
  barrierContract('typeOrmBarrier', () =>
    typeOrmFixture({ type: 'mariadb', url: server.url, poolSize: 30, extra: { connectionLimit: 30 } }),
  );
});
