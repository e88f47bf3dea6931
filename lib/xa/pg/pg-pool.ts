import type { PgClient, PgPool } from '../../barrier/pg/index.js';

/** A pool of connections: node-postgres `Pool`. */
export interface PgXaPool<Client> extends PgPool<Client> {
  /** Options that it was made with. */
  readonly options?: { readonly max?: number | undefined };
}

/** A client out of a pool. */
export type PooledClient = PgClient & { release(error?: Error | boolean): void };

/**
 * Runs something on a client of its own, which goes back to the pool unless it may be broken.
 *
 * @param pool - of node-postgres
 * @param work - what to run; leaves no transaction open
 */
export async function onClient<Client extends PgClient, T>(
  pool: PgXaPool<Client>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = (await pool.connect()) as Client & PooledClient;
  let isBroken = true;
  // a lost connection is reported by the statement; without a listener its event would end the process
  client.on?.('error', nothing);
  try {
    const result = await work(client);
    isBroken = false;
    return result;
  } catch (error) {
    // what the server itself refused has broken nothing
    isBroken = (error as { readonly severity?: unknown } | null)?.severity !== 'ERROR';
    throw error;
  } finally {
    client.removeListener?.('error', nothing);
    client.release(isBroken);
  }
}

/** Code of an error of the server. */
export function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

function nothing(): void {}
