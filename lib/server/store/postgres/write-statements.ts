import {
  BRANCH_COLUMNS,
  BRANCH_KEY,
  BRANCH_PROGRESS,
  GLOBAL_COLUMNS,
  type BranchEntry,
  type Column,
} from '../sql/columns.js';
import type { SqlDialect } from '../sql/sql-database.js';

/** SQL type of the array that passes the values of a column. */
const ARRAY_TYPES: Readonly<Record<Column<never>['kind'], string>> = {
  text: 'text',
  prose: 'text',
  integer: 'int',
  time: 'timestamptz',
  bytes: 'bytea',
  flag: 'boolean',
};

/** Columns of branches in an update, in the order of their arrays. */
export const CHANGED_COLUMNS: readonly Column<BranchEntry>[] = [...BRANCH_KEY, ...BRANCH_PROGRESS];

/**
 * One statement for each kind of write, for many transactions: one round trip and one commit. A statement takes one array
 * for each column and returns the gids of the transactions that it has written.
 *
 * @param dialect - names the tables
 */
export function writeStatements({ tables: { global, branch } }: SqlDialect) {
  const globalNames = namesOf(GLOBAL_COLUMNS);
  const branchNames = namesOf(BRANCH_COLUMNS);
  return {
    /** Arrays of {@link GLOBAL_COLUMNS}, then of {@link BRANCH_COLUMNS}. */
    create: `
      with created as (
        insert into ${global} (${globalNames})
        select ${globalNames} from ${unnest(GLOBAL_COLUMNS)} as n (${globalNames})
        on conflict (gid) do nothing returning gid),
      ${insertBranches('created')}
      select gid from created`,
    /**
     * Arrays of gids, modes, and how many further branches and bytes their limits leave room for when there is none yet;
     * then of {@link BRANCH_COLUMNS}. Returns gids with results of `Store.addBranches`.
     */
    addBranches: `
      with prepared as (
        select g.gid, n.max_branches, n.max_bytes
        from ${global} g join unnest(?::text[], ?::text[], ?::int[], ?::bigint[]) as n (gid, trans_type, max_branches, max_bytes)
          on g.gid = n.gid and g.trans_type = n.trans_type and g.status = 'prepared'
        for update of g),
      checked as (
        select gid, case
          when (select count(*) from ${branch} b where b.gid = prepared.gid) > max_branches then 'tooMany'
          when (select coalesce(sum(octet_length(b.bin_data) + octet_length(b.url)), 0)
                from ${branch} b where b.gid = prepared.gid) > max_bytes then 'tooLarge'
          else 'added' end as result
        from prepared),
      fitting as (select gid from checked where result = 'added'),
      ${insertBranches('fitting')}
      select gid, result from checked`,
    /** Arrays of expected statuses and owners, of {@link GLOBAL_COLUMNS}, then of {@link CHANGED_COLUMNS}. */
    update: `
      with updated as (
        update ${global} g set ${assignments(GLOBAL_COLUMNS.slice(1), 'n')}
        from unnest(?::text[], ?::text[], ${arrays(GLOBAL_COLUMNS)}) as n (expected_status, expected_owner, ${globalNames})
        where g.gid = n.gid and g.status = n.expected_status
          and (n.expected_owner is null or g.owner = n.expected_owner)
        returning g.gid),
      changed as (
        update ${branch} b set ${assignments(BRANCH_PROGRESS, 'n')}
        from ${unnest(CHANGED_COLUMNS)} as n (${namesOf(CHANGED_COLUMNS)}) join updated on updated.gid = n.gid
        where ${BRANCH_KEY.map(({ name }) => `b.${name} = n.${name}`).join(' and ')})
      select gid from updated`,
  };

  function insertBranches(owners: string): string {
    return `inserted as (
        insert into ${branch} (${branchNames})
        select ${BRANCH_COLUMNS.map(({ name }) => `n.${name}`).join(', ')}
        from ${unnest(BRANCH_COLUMNS)} with ordinality as n (${branchNames}, position)
          join ${owners} on ${owners}.gid = n.gid
        order by n.position)`;
  }
}

function namesOf(columns: readonly Column<never>[]): string {
  return columns.map(({ name }) => name).join(', ');
}

function assignments(columns: readonly Column<never>[], source: string): string {
  return columns.map(({ name }) => `${name} = ${source}.${name}`).join(', ');
}

function unnest(columns: readonly Column<never>[]): string {
  return `unnest(${arrays(columns)})`;
}

function arrays(columns: readonly Column<never>[]): string {
  return columns.map(({ kind }) => `?::${ARRAY_TYPES[kind]}[]`).join(', ');
}
