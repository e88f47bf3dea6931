/** Version of the layout, kept in the file's `user_version`. */
export const SCHEMA_VERSION = 1;

/** Layout of a new file. Texts compare by their bytes, so gids that differ in case or accents stay apart. */
export const SCHEMA = `
  create table trans_global (
    id                 integer primary key autoincrement,
    gid                text    not null unique,
    trans_type         text    not null,
    status             text    not null,
    protocol           text    not null,
    options            text    not null,
    query_prepared     text,
    custom_data        text,
    create_time        integer not null,
    update_time        integer not null,
    finish_time        integer,
    rollback_time      integer,
    rollback_reason    text,
    result             text,
    next_cron_interval integer not null,
    next_cron_time     integer not null,
    owner              text,
    retry_count        integer
  );
  create index trans_global_due on trans_global (next_cron_time) where status in ('prepared', 'submitted', 'aborting');
  create table trans_branch_op (
    trans_id    integer not null,
    position    integer not null,
    branch_id   text    not null,
    op          text    not null,
    url         text    not null,
    payload     blob    not null,
    status      text    not null,
    finish_time integer,
    attempts    integer,
    last_error  text,
    primary key (trans_id, position)
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
