import { NOT_NULL, type LayoutColumn, type LayoutTable } from '../sql/layout.js';

/** A table with its keys. */
export interface MysqlTable extends LayoutTable {
  /** SQL for `create table`, by name of the key. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Collations that compare bytes and keep trailing spaces: of MariaDB and of MySQL. */
export const COLLATIONS = ['utf8mb4_nopad_bin', 'utf8mb4_0900_bin'];

const IS_BINARY = new RegExp(` (${COLLATIONS.join('|')})$`);

/**
 * The tables of Go dtm with wider columns, and columns of our own: docs/protocol.md#sql-tables.
 *
 * @param collation - one of {@link COLLATIONS}
 */
export function mysqlTables(collation: string): readonly MysqlTable[] {
  const binary = `character set utf8mb4 collate ${collation}`;
  const id = (name: string, length: number, rest: string = NOT_NULL): LayoutColumn => ({
    name,
    type: `varchar(${length}) ${binary}`,
    rest,
    accepts: IS_BINARY,
  });
  // Go dtm stores 1,024 characters, and 64 KB of a payload
  const long = (name: string, rest?: string): LayoutColumn => ({
    name,
    type: `longtext ${binary}`,
    rest,
    accepts: new RegExp(`^longtext${IS_BINARY.source}`),
  });
  return [
    {
      name: 'trans_global',
      columns: [
        id('gid', 128),
        short('trans_type', 45),
        short('status', 45),
        long('query_prepared', NOT_NULL),
        short('protocol', 45),
        ...TIMES,
        long('options'),
        long('custom_data'),
        { name: 'next_cron_interval', type: 'int' },
        time('next_cron_time'),
        id('owner', 128, `not null default ''`),
        { name: 'ext_data', type: 'text' },
        long('result'),
        long('rollback_reason'),
        long('attention'),
        {
          name: 'due_time',
          type: 'datetime(3)',
          rest: `generated always as (case when status in ('prepared', 'submitted', 'aborting') then next_cron_time end) virtual`,
        },
      ],
      keys: {
        gid: 'unique key gid (gid)',
        owner: 'key owner (owner)',
        status_next_cron_time: 'key status_next_cron_time (status, next_cron_time)',
        trans_global_due: 'key trans_global_due (due_time)',
      },
    },
    {
      name: 'trans_branch_op',
      columns: [
        id('gid', 128),
        long('url', NOT_NULL),
        { name: 'data', type: 'text' },
        { name: 'bin_data', type: 'longblob', accepts: /^longblob/ },
        id('branch_id', 128),
        id('op', 45),
        short('status', 45),
        ...TIMES,
        { name: 'is_text', type: 'boolean' },
        { name: 'attempts', type: 'int' },
        { name: 'failures', type: 'int' },
        long('last_error'),
      ],
      keys: { gid_uniq: 'unique key gid_uniq (gid, branch_id, op)' },
    },
    {
      name: 'kv',
      columns: [
        id('cat', 45),
        id('k', 128),
        long('v'),
        { name: 'version', type: 'bigint', rest: 'default 1' },
        ...TIMES.slice(0, 2),
      ],
      keys: { uniq_k: 'unique key uniq_k (cat, k)' },
    },
  ];
}

/** Go dtm stores whole seconds. */
function time(name: string): LayoutColumn {
  return { name, type: 'datetime(3)', accepts: /^datetime\([3-6]\)/ };
}

const TIMES = ['create_time', 'update_time', 'finish_time', 'rollback_time'].map(time);

function short(name: string, length: number): LayoutColumn {
  return { name, type: `varchar(${length})`, rest: NOT_NULL };
}
