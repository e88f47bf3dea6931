/**
 * The barrier table as Go dtm's scripts make it: times that may be null on PostgreSQL, the
 * database's default collation on MySQL.
 */
export function goTable(dialect: 'postgres' | 'mysql', schema: string): string[] {
  const columns = [
    "trans_type varchar(45) default ''",
    "gid varchar(128) default ''",
    "branch_id varchar(128) default ''",
    "op varchar(45) default ''",
    "barrier_id varchar(45) default ''",
    "reason varchar(45) default ''",
  ];
  if (dialect === 'mysql') {
    const mysqlColumns = [
      'id bigint(22) primary key auto_increment',
      ...columns,
      'create_time datetime default now()',
      'update_time datetime default now()',
      'key (create_time)',
      'key (update_time)',
      'unique key (gid, branch_id, op, barrier_id)',
    ];
    return [
      `create database ${schema}`,
      `create table ${schema}.barrier (${mysqlColumns.join(', ')}) engine = InnoDB default charset = utf8mb4`,
    ];
  }
  const postgresColumns = [
    `id bigint not null default nextval('${schema}.barrier_seq')`,
    ...columns,
    'create_time timestamp(0) with time zone default null',
    'update_time timestamp(0) with time zone default null',
    'primary key (id)',
    'constraint uniq_barrier unique (gid, branch_id, op, barrier_id)',
  ];
  return [
    `create schema ${schema}`,
    `create sequence ${schema}.barrier_seq`,
    `create table ${schema}.barrier (${postgresColumns.join(', ')})`,
  ];
}
