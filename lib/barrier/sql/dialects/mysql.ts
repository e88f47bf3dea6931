import type { SqlDialect } from './sql-dialect.js';
import type { BarrierTableName } from '../barrier-table-options.js';

const quote = ({ schema, table }: BarrierTableName): string => (schema ? `\`${schema}\`.\`${table}\`` : `\`${table}\``);

/** MySQL and MariaDB with InnoDB. */
export const mysql: SqlDialect = {
  defaultTable: { schema: 'dtm_barrier', table: 'barrier' },
  hasSchemas: true,
  quote,
  ddl: (name) => [
    ...(name.schema ? [`create database if not exists \`${name.schema}\``] : []),
    // The old binary collation, utf8mb4_bin, ignores blanks at the end. The collation that respects them has different
    // names in MySQL and MariaDB, and each server reads only its own comments. MySQL uses the last of two collations.
    `create table if not exists ${quote(name)} (
  id bigint not null auto_increment primary key,
  trans_type varchar(45) not null default '',
  gid varchar(128) not null,
  branch_id varchar(128) not null,
  op varchar(45) not null,
  barrier_id varchar(45) not null,
  reason varchar(45) not null default '',
  create_time datetime not null default current_timestamp,
  update_time datetime not null default current_timestamp,
  unique key \`uniq_${name.table}\` (gid, branch_id, op, barrier_id),
  key \`${name.table}_create_time\` (create_time)
) engine=InnoDB default charset=utf8mb4
/*!50700 collate=utf8mb4_bin */ /*!80017 collate=utf8mb4_0900_bin */
/*M!100202 collate=utf8mb4_nopad_bin */`,
  ],
  findTable: ({ schema, table }) => ({
    text:
      'select 1 as found from information_schema.tables ' +
      "where table_schema = coalesce(nullif(?, ''), database()) and table_name = ?",
    parameters: [schema, table],
  }),
  // "on duplicate key update" also counts 1 for an existing row, because drivers ask for found rows. A plain insert makes
  // libraries log the error of every duplicate. readKey detects the errors that "ignore" hides.
  insert: (table) =>
    `insert ignore into ${table} (trans_type, gid, branch_id, op, barrier_id, reason) values (?, ?, ?, ?, ?, ?)`,
  // a locking read, because a snapshot can be older than the row
  readKey: (table) =>
    `select gid as gid, branch_id as branch, op as op, barrier_id as barrier from ${table} ` +
    'where gid = ? and branch_id = ? and op = ? and barrier_id = ? lock in share mode',
  readReason: (table) =>
    `select reason as reason from ${table} ` +
    'where gid = ? and branch_id = ? and op = ? and barrier_id = ? lock in share mode',
  missingTableCodes: new Set(['1146', '1049', 'ER_NO_SUCH_TABLE', 'ER_BAD_DB_ERROR']),
  conflictCodes: new Set(['1213', '1205', '1020', '3572', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']),
};
