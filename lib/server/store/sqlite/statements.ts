import type Database from 'libsql';
import { CHANGING_COLUMNS } from './rows.js';

const columns = CHANGING_COLUMNS.join(', ');
const values = CHANGING_COLUMNS.map(() => '?').join(', ');
const assignments = CHANGING_COLUMNS.map((column) => `${column} = ?`).join(', ');

const TEXTS = {
  insertGlobal: `insert into trans_global (gid, trans_type, create_time, ${columns}) values (?, ?, ?, ${values})
     on conflict (gid) do nothing`,
  selectGlobal: 'select * from trans_global where gid = ?',
  selectGlobalById: 'select * from trans_global where id = ?',
  updateGlobal: `update trans_global set ${assignments}, progress = json_patch(progress, ?)
     where gid = ? and status = ? and owner is ifnull(?, owner)`,
  upsertProgress: `insert into trans_progress (trans_id, chunk, progress) values ((select id from trans_global where gid = ?), ?, ?)
     on conflict (trans_id, chunk) do update set progress = json_patch(progress, excluded.progress)`,
  selectProgress: 'select progress from trans_progress where trans_id = ? order by chunk',
  insertBranches: 'insert into trans_branch (trans_id, position, branches) values (?, ?, ?)',
  selectBranches: 'select branches from trans_branch where trans_id = ? order by position',
  // sums up the keys: SQLite reads whole rows of trans_branch, which has no rowid, even for their number
  selectRegistration: `select t.id, trans_type, status, count(k.trans_id) as count, ifnull(sum(k.bytes), 0) as bytes,
       max(k.position) as last_key,
       (select position from trans_branch where trans_id = t.id order by position desc limit 1) as last_position
     from trans_global as t left join trans_branch_key as k on k.trans_id = t.id where t.gid = ? group by t.id`,
  selectKeyPositions: 'select position from trans_branch_key where trans_id = ?',
  selectPositionedBranches: 'select position, branches from trans_branch where trans_id = ? order by position',
  selectKey: 'select 1 from trans_branch_key where trans_id = ? and branch_id = ? and op = ?',
  insertKey: 'insert or ignore into trans_branch_key (trans_id, branch_id, op, position, bytes) values (?, ?, ?, ?, ?)',
  selectDue: 'select id from trans_global where due_time is not null and due_time <= ? order by due_time limit ?',
  claim: 'update trans_global set owner = ?, due_time = ? where id = ?',
  release: 'update trans_global set owner = null, due_time = 0 where due_time is not null and owner is not null',
  selectUnfinished: `select status, count(*) as count, count(attention) as attention
     from (select status, attention from trans_global where due_time is not null limit ?) group by status`,
  selectWaiting: 'select id, due_time, owner from trans_global where due_time is not null and gid = ?',
  // reads the index only: the rows of finished transactions, which are many, are not read
  selectSleeping: `select id, due_time, owner from trans_global where id in
     (select id from trans_global indexed by trans_global_due
       where due_time is not null and due_time > ? and +id > ? order by +id limit ?)
     order by id`,
  selectMention: `select 1 from trans_global as t
     where id = ? and (instr(record, ?) > 0
       or exists (select 1 from trans_branch where trans_id = t.id and instr(branches, ?) > 0))`,
  wake: 'update trans_global set due_time = ? where id = ?',
  selectOldest: 'select id, create_time, update_time, due_time from trans_global where id > ? order by id limit ?',
  selectSize: `select octet_length(record) + octet_length(progress)
       + (select ifnull(sum(octet_length(branches)), 0) from trans_branch where trans_id = t.id) as size
     from trans_global as t where id = ?`,
  deleteGlobal: 'delete from trans_global where id = ?',
  deleteBranches: 'delete from trans_branch where trans_id = ?',
  deleteProgress: 'delete from trans_progress where trans_id = ?',
  selectKv: 'select * from kv where cat = ? and k = ?',
  insertKv:
    'insert into kv (cat, k, v, version, create_time, update_time) values (?, ?, ?, 1, ?, ?) on conflict do nothing',
  updateKv: 'update kv set v = ?, version = ?, update_time = ? where cat = ? and k = ? and version = ?',
  deleteKv: 'delete from kv where cat = ? and k = ?',
};

/** The prepared statements by name. */
export type Statements = Readonly<Record<keyof typeof TEXTS, Database.Statement>>;

/**
 * Prepares all statements once. Hot paths pass their values as one array, which the driver takes without copying.
 *
 * @param database - contains the tables of the store
 */
export function prepareStatements(database: Database.Database): Statements {
  const prepared = Object.entries(TEXTS).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(prepared) as Statements;
}
