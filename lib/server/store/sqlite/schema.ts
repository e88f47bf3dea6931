/** Version of the layout, stored in `user_version` of the file. */
export const SCHEMA_VERSION = 1;

/** `dtm1`: marks a file as a store; stored in `application_id` of the file. */
export const APPLICATION_ID = 0x64746d31;

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
