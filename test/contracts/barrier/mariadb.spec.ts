import { afterAll, beforeAll, describe } from 'vitest';
import { startMariadb, type MariadbServer } from '../../services/mariadb.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { barrierContract } from './barrier-contract.js';
import { mysql2PoolBed } from './beds/mysql2-pool-bed.js';
import { typeOrmBed } from './beds/typeorm-bed.js';

const mariadb = requireOrSkip('mariadb');

describe.skipIf(!mariadb.available)(mariadb.title('MariaDB'), () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());

  barrierContract('mysql2Barrier', () => mysql2PoolBed(server.url));
  barrierContract('typeOrmBarrier', () =>
    typeOrmBed({ type: 'mariadb', url: server.url, poolSize: 30, extra: { connectionLimit: 30 } }),
  );
});
