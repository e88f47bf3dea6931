import { errorChain } from './error-chain.js';

/**
 * PostgreSQL: a read-only transaction, or a server in recovery. MySQL, MariaDB: the option `read_only` (1290 has the option
 * in its text), a read-only transaction, a read-only server.
 */
const READ_ONLY = new Set(['25006', '1290', '1792', '1836']);

/**
 * Tells whether a server refused a write because it accepts none. After a failover, connections to the former primary
 * refuse every write, while new connections reach the new primary.
 *
 * @param error - error of the database driver, or of the libraries around it
 */
export function isReadOnlyError(error: unknown): boolean {
  for (const { code, errno } of errorChain(error)) {
    if (READ_ONLY.has(String(code)) || READ_ONLY.has(String(errno))) return true;
  }
  return false;
}
