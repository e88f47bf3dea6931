import { DtmConfigError } from '../../protocol/internal.js';
import { memoizePerPool } from '../memoize-per-pool.js';
import { queryRows, type Mysql2Connection, type Mysql2Pool } from '../../barrier/mysql2/mysql2-pool.js';
import { withConnection } from './mysql2-xa-pool.js';

/** What XA must know about a server. */
export interface Mysql2Server {
  /**
   * Whether a connection is free again once its transaction is prepared: MySQL from 8.0.29. Elsewhere only the end of the
   * connection sets the transaction free for others. (Resetting the connection looks as if it did, too; on MariaDB a commit
   * from elsewhere is then acknowledged, and not made.)
   */
  readonly detachesOnPrepare: boolean;
}

/** Older servers roll back what is prepared when its connection ends. */
const OLDEST = { MariaDB: [10, 5], MySQL: [8, 0] } as const;

/** Finds out what the server of a pool can do; throws DtmConfigError where that is not enough. */
export const detectServer = memoizePerPool((pool: Mysql2Pool<Mysql2Connection>) =>
  withConnection(pool, async (connection): Promise<Mysql2Server> => {
    const [row] = await queryRows(connection, 'select version() as version');
    checkVersion(String(row?.['version']));
    const [variable] = await queryRows(connection, "show variables like 'xa_detach_on_prepare'");
    return { detachesOnPrepare: variable?.['Value'] === 'ON' };
  }),
);

/**
 * Refuses servers that do not keep what is prepared.
 *
 * @param version - as the server says it
 * @throws DtmConfigError naming the version that is needed
 */
export function checkVersion(version: string): void {
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  // MariaDB may pretend to be 5.5.5 first
  const [major = 0, minor = 0] = version
    .replace(/^5\.5\.5-/, '')
    .split('.', 2)
    .map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[product];
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new DtmConfigError(
    `XA needs ${product} ${oldestMajor}.${oldestMinor} or newer, this is ${version}: it rolls prepared transactions back when ` +
      'their connection ends',
  );
}
