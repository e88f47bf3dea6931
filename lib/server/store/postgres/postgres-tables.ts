import { NOT_NULL, type LayoutTable } from '../sql/layout.js';
import { UNFINISHED } from './postgres-dialect.js';

/** Go dtm stores whole seconds. */
const TIME = { type: 'timestamp(3) with time zone', accepts: /^timestamp(\([3-6]\))? with time zone$/ };
/** Go dtm stores 1,024 characters. */
const LONG = { type: 'text', accepts: /^text$/ };
const TIMES = ['create_time', 'update_time', 'finish_time', 'rollback_time'].map((name) => ({ name, ...TIME }));

/** A table with its unique key and indexes. */
export interface PostgresTable extends LayoutTable {
  /** SQL for `create table`. */
  readonly unique: string;
  /** SQL after the name of the table, by name of the index. Indexes of Go dtm are created only with their table: their names are common. */
  readonly indexes: Readonly<Record<string, string>>;
}

/** Index that finds due transactions. */
export const DUE_INDEX = 'trans_global_due';

/** The tables of Go dtm with wider columns, and columns of our own: docs/protocol.md#sql-tables. */
export const POSTGRES_TABLES: readonly PostgresTable[] = [
  {
    name: 'trans_global',
    columns: [
      { name: 'gid', type: 'varchar(128)', rest: NOT_NULL },
      { name: 'trans_type', type: 'varchar(45)', rest: NOT_NULL },
      { name: 'status', type: 'varchar(45)', rest: NOT_NULL },
      { name: 'query_prepared', ...LONG, rest: NOT_NULL },
      { name: 'protocol', type: 'varchar(45)', rest: NOT_NULL },
      ...TIMES,
      { name: 'options', ...LONG },
      { name: 'custom_data', ...LONG },
      { name: 'next_cron_interval', type: 'int' },
      { name: 'next_cron_time', ...TIME },
      { name: 'owner', type: 'varchar(128)', rest: `not null default ''` },
      { name: 'ext_data', type: 'text' },
      { name: 'result', ...LONG },
      { name: 'rollback_reason', ...LONG },
      { name: 'attention', type: 'text' },
    ],
    unique: 'constraint gid unique (gid)',
    indexes: {
      owner: '(owner)',
      status_next_cron_time: '(status, next_cron_time)',
      [DUE_INDEX]: `(next_cron_time) where ${UNFINISHED}`,
    },
  },
  {
    name: 'trans_branch_op',
    columns: [
      { name: 'gid', type: 'varchar(128)', rest: NOT_NULL },
      { name: 'url', ...LONG, rest: NOT_NULL },
      { name: 'data', type: 'text' },
      { name: 'bin_data', type: 'bytea' },
      { name: 'branch_id', type: 'varchar(128)', rest: NOT_NULL },
      { name: 'op', type: 'varchar(45)', rest: NOT_NULL },
      { name: 'status', type: 'varchar(45)', rest: NOT_NULL },
      ...TIMES,
      { name: 'is_text', type: 'boolean' },
      { name: 'attempts', type: 'int' },
      { name: 'failures', type: 'int' },
      { name: 'last_error', type: 'text' },
    ],
    unique: 'constraint gid_branch_uniq unique (gid, branch_id, op)',
    indexes: {},
  },
  {
    name: 'kv',
    columns: [
      { name: 'cat', type: 'varchar(45)', rest: NOT_NULL },
      { name: 'k', type: 'varchar(128)', rest: NOT_NULL },
      { name: 'v', type: 'text' },
      { name: 'version', type: 'bigint', rest: 'default 1' },
      ...TIMES.slice(0, 2),
    ],
    unique: 'constraint uniq_k unique (cat, k)',
    indexes: {},
  },
];
