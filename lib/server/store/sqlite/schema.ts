/** Version of the layout, stored in `user_version` of the file. */
export const SCHEMA_VERSION = 1;

/** `dtm1`: marks a file as a store; stored in `application_id` of the file. */
export const APPLICATION_ID = 0x64746d31;

/** A write that changes nothing: SQLite would skip an update that leaves a row as it is. */
export const EMPTY_WRITE = `pragma user_version = ${SCHEMA_VERSION}`;

/**
 * The mark of the write-ahead log: one row. `expected` is the first salt of the log that belongs to the file, and equals
 * `applied` when the file contains that log. The log before has at least `frames` frames. Older versions ignore the table,
 * and files of theirs do not have it.
 */
export const LOG_MARK_TABLE = `
  create table if not exists log_mark (
    id       integer primary key,
    expected integer not null,
    applied  integer not null,
    frames   integer not null
  );
`;

/**
 * Layout of a new file. Texts are compared as bytes, so gids that differ in case or accents differ.
 *
 * Fields that queries use have columns; the others are JSON in `record`. So most writes change one row and few columns.
 * `trans_branch` contains branches as they were registered, one row for each registration; its rows never change. Their
 * state is the `progress`: for the first branches in `trans_global`, for later branches in `trans_progress`, so that no
 * write grows with the number of branches.
 */
export const SCHEMA = `
  create table trans_global (
    id          integer primary key,
    gid         text    not null unique,
    trans_type  text    not null,
    status      text    not null,
    create_time integer not null,
    update_time integer not null,
    due_time    integer,
    owner       text,
    attention   text,
    record      text    not null,
    progress    text    not null default '{}'
  );
  create index trans_global_due on trans_global (due_time) where due_time is not null;
  create index trans_global_attention on trans_global (id) where attention is not null;
  create table trans_branch (
    trans_id integer not null,
    position integer not null,
    branches text    not null,
    primary key (trans_id, position)
  ) without rowid;
  create table trans_progress (
    trans_id integer not null,
    chunk    integer not null,
    progress text    not null,
    primary key (trans_id, chunk)
  ) without rowid;
  create table kv (
    id          integer primary key autoincrement,
    cat         text    not null,
    k           text    not null,
    v           text    not null,
    version     integer not null,
    create_time integer not null,
    update_time integer not null,
    unique (cat, k)
  );
`;

/**
 * Keys of registered branches, with the bytes of a registration at its first branch. Added to every file: a version without
 * keys ignores the table, and the trigger follows its deletions.
 */
export const BRANCH_KEYS = `
  create table if not exists trans_branch_key (
    trans_id  integer not null,
    branch_id text    not null,
    op        text    not null,
    position  integer not null,
    bytes     integer not null,
    primary key (trans_id, branch_id, op)
  ) without rowid;
  create trigger if not exists trans_global_deleted after delete on trans_global begin
    delete from trans_branch_key where trans_id = old.id;
  end;
`;
