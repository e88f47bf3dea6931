import { DtmConfigError } from '../../../protocol/internal.js';
import type { SqlDialect } from '../sql/sql-database.js';

/**
 * The SQL of MySQL and MariaDB.
 *
 * @param database - checked name of the database
 * @param timeZone - time zone of the time columns, see `MysqlStoreOptions.timeZone`
 * @throws DtmConfigError when the time zone is invalid
 */
export function mysqlDialect(database: string, timeZone: string): SqlDialect {
  const table = (name: string): string => `\`${database}\`.${name}`;
  const offset = parseOffset(timeZone);
  return {
    tables: { global: table('trans_global'), branch: table('trans_branch_op'), kv: table('kv') },
    isUnfinished: 'due_time is not null',
    dueTime: 'due_time',
    milliseconds: (column) =>
      `(timestampdiff(second, '1970-01-01', ${column}) * 1000 + microsecond(${column}) div 1000 - ${offset})`,
    encode({ kind }, value) {
      if (kind !== 'time' || typeof value !== 'number') return value;
      return new Date(value + offset).toISOString().replace('T', ' ').slice(0, -1);
    },
  };
}

/** Milliseconds by which the zone is ahead of UTC. */
function parseOffset(timeZone: string): number {
  const [, sign, hours, minutes] = /^([+-])(0\d|1[0-4]):([0-5]\d)$/.exec(timeZone) ?? [];
  if (!sign) {
    throw new DtmConfigError(
      `mysqlStore: timeZone must be an offset such as +00:00 or -05:30, not ${JSON.stringify(timeZone)}; with daylight saving time, an hour repeats`,
    );
  }
  return Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
