import { DtmConfigError } from '../../protocol/internal.js';
import { memoizePerPool } from '../memoize-per-pool.js';
import { queryRows, type Mysql2Connection, type Mysql2Pool } from '../../barrier/mysql2/mysql2-pool.js';
import { withConnection } from './mysql2-xa-pool.js';

/** The properties of a server that XA depends on. */
export interface Mysql2Server {
  /**
   * Whether the prepare detaches the transaction from its connection: MySQL from 8.0.29. Elsewhere only the end of the
   * connection does. (Resetting the connection seems to do so too, but MariaDB then acknowledges a commit from another
   * connection without executing it.)
   */
  readonly detachesOnPrepare: boolean;
}

/** Older servers roll back a prepared transaction when its connection ends. */
const OLDEST = { MariaDB: [10, 5], MySQL: [8, 0] } as const;

/** Detects the properties of the server of a pool; throws DtmConfigError for a server that is too old. */
export const detectServer = memoizePerPool((pool: Mysql2Pool<Mysql2Connection>) =>
  withConnection(pool, async (connection): Promise<Mysql2Server> => {
    const [row] = await queryRows(connection, 'select version() as version, @@autocommit as autocommit');
    assertVersion(String(row?.['version']));
    assertAutocommit(row?.['autocommit']);
    const [variable] = await queryRows(connection, "show variables like 'xa_detach_on_prepare'");
    return { detachesOnPrepare: variable?.['Value'] === 'ON' };
  }),
);

/**
 * Refuses servers that do not keep prepared transactions.
 *
 * @throws DtmConfigError naming the required version
 */
export function assertVersion(version: string): void {
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  // MariaDB can put 5.5.5 in front of its version
  const [major = 0, minor = 0] = version
    .replace(/^5\.5\.5-/, '')
    .split('.', 2)
    .map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[product];
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new DtmConfigError(
    `XA needs ${product} ${oldestMajor}.${oldestMinor} or newer: ${version} rolls a prepared transaction back when its ` +
      'connection ends; upgrade the server',
  );
}

/** The server refuses to end a branch in a session without autocommit. */
function assertAutocommit(value: unknown): void {
  if (value === undefined || Number(value) === 1) return;
  throw new DtmConfigError(
    'XA needs sessions with autocommit, because the server refuses to commit a prepared branch in a session without autocommit; set autocommit = 1 for this pool',
  );
}
