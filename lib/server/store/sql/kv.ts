import type { KvPage, KvRecord } from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, cutPage, parsePosition } from '../page.js';
import type { KvFilter } from '../store.js';
import { whereClause } from '../where-clause.js';
import { decodeKv, kvColumns } from './rows.js';
import type { SqlDatabase, SqlRow } from './sql-database.js';
import { SqlFailure } from './sql-failure.js';
import type { SqlValue } from './sql-value.js';

/** `Store.getKv`. */
export async function findKv(database: SqlDatabase, category: string, key: string): Promise<KvRecord | undefined> {
  const { dialect } = database;
  const text = `select ${kvColumns(dialect)} from ${dialect.tables.kv} where cat = ? and k = ?`;
  const [row] = await database.query(text, [category, key]);
  return row && decodeKv(row);
}

/** `Store.putKv`. */
export async function putKv(database: SqlDatabase, record: KvRecord): Promise<boolean> {
  const { dialect } = database;
  const { category, key, version } = record;
  const value = dialect.encode({ name: 'v', kind: 'text' }, record.value);
  const time = (ms: number): SqlValue => dialect.encode({ name: 'update_time', kind: 'time' }, ms);
  if (version !== 1) {
    const text = `update ${dialect.tables.kv} set v = ?, version = ?, update_time = ? where cat = ? and k = ? and version = ?`;
    const values = [value, version, time(record.updateTime), category, key, version - 1];
    return (await database.execute(text, values)) === 1;
  }
  try {
    await database.execute(
      `insert into ${dialect.tables.kv} (cat, k, v, version, create_time, update_time) values (?, ?, ?, 1, ?, ?)`,
      [category, key, value, time(record.createTime), time(record.updateTime)],
    );
    return true;
  } catch (error) {
    if (error instanceof SqlFailure && error.kind === 'duplicate') return false;
    throw error;
  }
}

/** `Store.deleteKv`. */
export async function deleteKv(database: SqlDatabase, category: string, key: string): Promise<boolean> {
  const text = `delete from ${database.dialect.tables.kv} where cat = ? and k = ?`;
  return (await database.execute(text, [category, key])) === 1;
}

/** `Store.listKv`. */
export async function listKv(database: SqlDatabase, filter: KvFilter): Promise<KvPage> {
  const { dialect } = database;
  const { category, key, position, limit = DEFAULT_PAGE_SIZE } = filter;
  const conditions = { 'id > ?': parsePosition(position, 0), 'cat = ?': category, 'k = ?': key };
  const { where, values } = whereClause<SqlValue>(conditions);
  const select = (columns: string, count: number): Promise<SqlRow[]> =>
    database.query(`select ${columns} from ${dialect.tables.kv} where ${where} order by id limit ?`, [
      ...values,
      String(count),
    ]);
  const { page, nextPosition } = cutPage(await select('id, octet_length(v) as size', limit), limit);
  const rows = page.length === 0 ? [] : await select(kvColumns(dialect), page.length);
  return { records: rows.map(decodeKv), nextPosition };
}
