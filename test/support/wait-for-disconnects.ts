import { Client } from 'pg';
import { waitUntil } from './wait-until.js';

/**
 * Waits until all other clients have disconnected from a PostgreSQL server, so that the server can stop. A client that is
 * closing may still be connected; when the server stops then, the client throws an error that no handler catches.
 *
 * @param connectionString - URL of the server
 */
export async function waitForDisconnects(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  const others = `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  await waitUntil(async () => (await client.query(others)).rows.length === 0);
  await client.end();
}
