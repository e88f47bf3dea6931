/** Version of the layout, kept in the file's `user_version`. */
export const SCHEMA_VERSION = 1;

/** `dtm1`: tells a store from the database of something else, kept in the file's `application_id`. */
export const APPLICATION_ID = 0x64746d31;

/**
 * Layout of a new file. Texts compare by their bytes, so gids that differ in case or accents stay apart.
 *
 * What a transaction is looked up by has columns, the rest of it is JSON: most writes touch one row, and few columns.
 * `trans_branch` holds branches as they were registered, one row for those that came together, and is never changed.
 * What became of them is the `progress`: that of the first branches stands with the transaction, that of later ones in
 * rows of its own, so that no write grows with the number of branches.
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
