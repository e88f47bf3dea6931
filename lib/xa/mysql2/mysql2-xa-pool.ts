import { queryRows, type Mysql2Connection, type Mysql2Pool } from '../../barrier/mysql2/mysql2-pool.js';

/**
 * Runs something on a separate connection, which goes back to the pool unless it may be broken.
 *
 * @param work - what to run; leaves the connection as it was when it succeeds
 */
export async function withConnection<Connection extends Mysql2Connection, T>(
  pool: Mysql2Pool<Connection>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection();
  let isBroken = true;
  try {
    const result = await work(connection);
    isBroken = false;
    return result;
  } finally {
    if (isBroken) connection.destroy();
    else connection.release();
  }
}

/**
 * Runs something with another time-out for locks, and restores the time-out of the session.
 *
 * @param seconds - longest time that a statement waits for a lock
 */
export async function withLockTimeout<T>(
  connection: Mysql2Connection,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const [row] = await queryRows(connection, 'select @@session.innodb_lock_wait_timeout as seconds');
  const restore = `set session innodb_lock_wait_timeout = ${Number(row?.['seconds'])}`;
  await queryRows(connection, `set session innodb_lock_wait_timeout = ${seconds}`);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // the error of the work is thrown; a lost connection fails the rollback too, and is closed
    await queryRows(connection, restore).catch(() => undefined);
    throw error;
  }
  await queryRows(connection, restore);
  return result;
}
