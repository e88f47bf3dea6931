import { isReadOnlyError } from '../../barrier/sql/is-read-only-error.js';
import { ignoreErrorEvents, type PgClient, type PgPool, type PooledPgClient } from '../../barrier/pg/pg-client.js';

/**
 * Runs something on a separate client, which goes back to the pool unless it may be broken.
 *
 * @param work - what to run; leaves no transaction open
 */
export async function withClient<Client extends PgClient, T>(
  pool: PgPool<Client>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = (await pool.connect()) as Client & PooledPgClient;
  const listenAgain = ignoreErrorEvents(client);
  let isBroken = true;
  try {
    const result = await work(client);
    isBroken = false;
    return result;
  } catch (error) {
    // a statement that the server refuses leaves the connection intact, unless its server accepts no writes
    isBroken = (error as { readonly severity?: unknown } | null)?.severity !== 'ERROR' || isReadOnlyError(error);
    throw error;
  } finally {
    listenAgain();
    client.release(isBroken);
  }
}

/** Code of an error of the server. */
export function sqlStateOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
