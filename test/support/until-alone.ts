import { Client } from 'pg';
import { waitUntil } from './wait-until.js';

/**
 * Waits until nobody else is connected to a PostgreSQL server that is to be stopped: a client that has been told to end may
 * still be connected, and one that hears the server stop then throws where nobody listens any more.
 *
 * @param connectionString - of the server
 */
export async function untilAlone(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  const others = `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  await waitUntil(async () => (await client.query(others)).rows.length === 0);
  await client.end();
}
