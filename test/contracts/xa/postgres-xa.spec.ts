import { afterAll, beforeAll, describe } from 'vitest';
import { startPostgres, type PostgresServer } from '../../services/postgres.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { pgXaBed } from './beds/pg-bed.js';
import { xaContract } from './xa-contract.js';
import { survivesCrash } from './crash.js';

const postgres = requireOrSkip('postgres');

describe.skipIf(!postgres.available)(postgres.title('XA on PostgreSQL'), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  xaContract('pgXa', () => pgXaBed(server.url));
  survivesCrash(
    () => server,
    () => pgXaBed(server.url),
  );
});
