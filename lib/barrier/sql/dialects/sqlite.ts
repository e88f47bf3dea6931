import type { SqlDialect } from './sql-dialect.js';
import type { BarrierTableName } from '../barrier-table-options.js';

const quote = ({ table }: BarrierTableName): string => `"${table}"`;

/** SQLite 3.24 or later, libSQL. */
export const sqlite: SqlDialect = {
  defaultTable: { schema: '', table: 'dtm_barrier' },
  hasSchemas: false,
  quote,
  ddl: (name) => [
    `create table if not exists ${quote(name)} (
  id integer primary key,
  trans_type varchar(45) not null default '',
  gid varchar(128) collate binary not null,
  branch_id varchar(128) collate binary not null,
  op varchar(45) collate binary not null,
  barrier_id varchar(45) collate binary not null,
  reason varchar(45) not null default '',
  create_time datetime not null default current_timestamp,
  update_time datetime not null default current_timestamp,
  constraint "uniq_${name.table}" unique (gid, branch_id, op, barrier_id)
)`,
    `create index if not exists "${name.table}_create_time" on ${quote(name)} (create_time)`,
  ],
  // upper case: on sqlite3, TypeORM 0.3 counts the rows only of statements that start with "INSERT "
  insert: (table) =>
    `INSERT INTO ${table} (trans_type, gid, branch_id, op, barrier_id, reason) values (?, ?, ?, ?, ?, ?) ` +
    'on conflict (gid, branch_id, op, barrier_id) do nothing',
  readReason: (table) => `select reason from ${table} where gid = ? and branch_id = ? and op = ? and barrier_id = ?`,
  // SQLite has one code for all mistakes in a statement; describe-sql-error.ts reads the message
  missingTableCodes: new Set(),
  conflictCodes: new Set(['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED', 'SQLITE_LOCKED_SHAREDCACHE']),
};
