import { afterAll, beforeAll, describe } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { mysql2XaFixture } from './fixtures/mysql2-fixture.js';
import { xaContract } from './xa-contract.js';
import { survivesCrash } from './crash.js';

const mariadb = requireOrSkip('mariadb');

describe.skipIf(!mariadb.available)(mariadb.title('XA on MariaDB'), () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  xaContract('mysql2Xa', () => mysql2XaFixture(server.url));
  survivesCrash(
    () => server,
    () => mysql2XaFixture(server.url),
  );
});
