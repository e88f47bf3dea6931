import { afterAll, beforeAll, describe } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from './barrier-contract.js';
import { prismaFixture } from './fixtures/prisma-fixture.js';

const postgres = requireOrSkip('prisma', 'postgres');
const mariadb = requireOrSkip('prisma', 'mariadb');

describe.skipIf(!postgres.available)(postgres.title('Prisma on PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  barrierContract('sqlBarrier', () => prismaFixture('postgres', server.url));
});

describe.skipIf(!mariadb.available)(mariadb.title('Prisma on MariaDB'), () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  barrierContract('sqlBarrier', () => prismaFixture('mysql', server.url));
});
