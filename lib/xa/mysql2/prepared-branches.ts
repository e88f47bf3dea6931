import type { XaKey } from '../xa-adapter.js';
import { serverErrno, queryRows, type Mysql2Connection } from '../../barrier/mysql2/mysql2-pool.js';
import { parseMysqlXid } from './mysql2-xid.js';

const SPECIFIC_ACCESS_DENIED = 1227;
const XAER_RMERR = 1401;

/** Lists the prepared branches of this package on the server. */
export async function listPrepared(connection: Mysql2Connection): Promise<XaKey[]> {
  const rows = await queryRows(connection, 'xa recover');
  return rows.map(parseMysqlXid).filter((branch) => branch !== undefined);
}

/** Whether a branch is prepared; also false when the account must not list prepared transactions. */
export async function isPrepared(connection: Mysql2Connection, { gid, branchId }: XaKey): Promise<boolean> {
  try {
    return (await listPrepared(connection)).some((branch) => branch.gid === gid && branch.branchId === branchId);
  } catch (error) {
    if ([SPECIFIC_ACCESS_DENIED, XAER_RMERR].includes(serverErrno(error) ?? 0)) return false;
    throw error;
  }
}

/** Reads the age of a prepared branch from its uncommitted barrier row, because the server does not tell it. */
export async function preparedSeconds(
  connection: Mysql2Connection,
  table: string,
  { gid, branchId }: XaKey,
): Promise<number | undefined> {
  await queryRows(connection, 'set transaction isolation level read uncommitted');
  const [rows] = await connection.execute({
    sql:
      `select timestampdiff(second, create_time, current_timestamp) as age from ${table} ` +
      "where gid = ? and branch_id = ? and op = 'action' and barrier_id = '01'",
    values: [gid, branchId],
    rowsAsArray: false,
    typeCast: true,
  });
  const [row] = rows as { age: unknown }[];
  return row === undefined ? undefined : Math.max(0, Number(row.age));
}
