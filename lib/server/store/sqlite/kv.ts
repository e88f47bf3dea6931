import type Database from 'libsql';
import type { KvPage, KvRecord } from '../../../protocol/internal.js';
import { DEFAULT_PAGE_SIZE, cutPage, parsePosition } from '../page.js';
import type { KvFilter } from '../store.js';
import { whereClause } from '../where-clause.js';
import { decodeKv, type KvRow } from './rows.js';
import type { Statements } from './statements.js';

/** `Store.getKv`. */
export function findKv(statements: Statements, category: string, key: string): KvRecord | undefined {
  const row = statements.selectKv.get(category, key) as KvRow | undefined;
  return row && decodeKv(row);
}

/** `Store.putKv`. */
export function putKv({ insertKv, updateKv }: Statements, record: KvRecord): boolean {
  const { category, key, value, version, createTime, updateTime } = record;
  const { changes } =
    version === 1
      ? insertKv.run(category, key, value, createTime, updateTime)
      : updateKv.run(value, version, updateTime, category, key, version - 1);
  return changes === 1;
}

/** `Store.listKv`. */
export function listKv(database: Database.Database, filter: KvFilter): KvPage {
  const { category, key, position, limit = DEFAULT_PAGE_SIZE } = filter;
  const { where, values } = whereClause<string | number>({
    'id > ?': parsePosition(position, 0),
    'cat = ?': category,
    'k = ?': key,
  });
  const select = (columns: string, count: number): unknown[] =>
    database.prepare(`select ${columns} from kv where ${where} order by id limit ?`).all(...values, count);
  const { page, nextPosition } = cutPage(select('id, octet_length(v) as size', limit) as { id: number }[], limit);
  return { records: (select('*', page.length) as KvRow[]).map(decodeKv), nextPosition };
}
