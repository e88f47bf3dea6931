import { isFinal } from '../../../protocol/internal.js';
import { nextPositionOf, parsePosition } from '../page.js';
import type { PruneResult, WakeBatch, WakeFilter } from '../store.js';
import { OWNER_PREFIX, encodeOwner } from './columns.js';
import { chunked, padToPowerOfTwo, placeholders } from './placeholders.js';
import { decodeTransaction } from './rows.js';
import type { SqlDatabase, SqlDialect } from './sql-database.js';
import type { SqlValue } from './sql-value.js';
import { encodeDueTime } from './transactions.js';

/** Go dtm never clears its owner. After this time without a change it no longer works on the transaction. */
const GO_PASS_MS = 60_000;

/** `Store.wake`. */
export async function wakeTransactions(database: SqlDatabase, now: number, filter: WakeFilter): Promise<WakeBatch> {
  const { dialect } = database;
  const { global } = dialect.tables;
  const { where, values } = sleepingCondition(dialect, now, filter);
  const found = await database.query(`select id from ${global} where ${where} and id > ? order by id limit ?`, [
    ...values,
    String(parsePosition(filter.position, 0)),
    String(filter.limit),
  ]);
  let count = 0;
  for (const chunk of chunked(found)) {
    const ids = padToPowerOfTwo(chunk.map(({ id }) => String(id)));
    count += await database.execute(
      `update ${global} set next_cron_time = ? where id in ${placeholders(ids.length)} and ${where}`,
      [encodeDueTime(dialect, now), ...ids, ...values],
    );
  }
  return { count, nextPosition: nextPositionOf(found, filter.limit) };
}

/** `Store.prune`. */
export async function pruneTransactions(
  database: SqlDatabase,
  before: number,
  position: string,
  limit: number,
): Promise<PruneResult> {
  const { dialect } = database;
  const { global } = dialect.tables;
  const times = ['create_time', 'update_time'].map((name) => `${dialect.milliseconds(name)} as ${name}`).join(', ');
  const rows = await database.query(`select id, status, ${times} from ${global} where id > ? order by id limit ?`, [
    String(parsePosition(position, 0)),
    String(limit),
  ]);
  const newer = rows.findIndex((row) => decodeTransaction(row).createTime >= before);
  const checked = newer < 0 ? rows : rows.slice(0, newer);
  const old = checked.filter((row) => {
    const { status, updateTime } = decodeTransaction(row);
    return isFinal(status) && updateTime < before;
  });
  let count = 0;
  for (const chunk of chunked(old)) {
    count += await deleteTransactions(database, padToPowerOfTwo(chunk.map(({ id }) => String(id))));
  }
  return { count, nextPosition: nextPositionOf(checked, limit) };
}

/**
 * Deletes by row id: another coordinator may have deleted a transaction meanwhile, and a new one may have the same gid.
 */
function deleteTransactions(database: SqlDatabase, ids: readonly string[]): Promise<number> {
  const { global, branch } = database.dialect.tables;
  return database.transaction(async (session) => {
    const text = `select gid from ${global} where id in ${placeholders(ids.length)} order by id for update`;
    const rest = await session.query(text, ids);
    if (rest.length === 0) return 0;
    const gids = padToPowerOfTwo(rest.map(({ gid }) => gid as string));
    await session.execute(`delete from ${branch} where gid in ${placeholders(gids.length)}`, gids);
    await session.execute(`delete from ${global} where id in ${placeholders(ids.length)}`, ids);
    return rest.length;
  });
}

/** Matches unfinished transactions that are not due, and on which no coordinator works or whose leases are to end. */
function sleepingCondition(
  dialect: SqlDialect,
  now: number,
  filter: WakeFilter,
): { where: string; values: SqlValue[] } {
  const { gid, target, laterThan, leases } = filter;
  const free = [`owner = ''`, `owner not like '${OWNER_PREFIX}%' and update_time < ?`];
  const values = [encodeDueTime(dialect, laterThan), encodeDueTime(dialect, now - GO_PASS_MS)];
  if (leases) {
    const except = leases.exceptOwner === undefined ? undefined : encodeOwner(leases.exceptOwner);
    free.push(
      `owner like '${OWNER_PREFIX}%' and ${dialect.dueTime} > ?${except === undefined ? '' : ' and left(owner, ?) <> ?'}`,
    );
    values.push(encodeDueTime(dialect, leases.endingAfter), ...(except === undefined ? [] : [except.length, except]));
  }
  const conditions = [dialect.isUnfinished, `${dialect.dueTime} > ?`, `(${free.join(' or ')})`];
  if (gid !== undefined) {
    conditions.push('gid = ?');
    values.push(gid);
  }
  if (target !== undefined) {
    const { global, branch } = dialect.tables;
    const asked = targetCondition('query_prepared', target);
    const called = targetCondition('url', target);
    conditions.push(`(status = 'prepared' and ${asked.condition} or exists (
      select 1 from ${branch} b where b.gid = ${global}.gid and b.status = 'prepared' and ${called.condition}))`);
    values.push(...asked.values, ...called.values);
  }
  return { where: conditions.join(' and '), values };
}

/** Matches URLs that lead to a target, see `leadsTo`. */
function targetCondition(column: string, target: string): { condition: string; values: SqlValue[] } {
  const { length } = [...target];
  if (target.endsWith('/')) return { condition: `left(${column}, ?) = ?`, values: [length, target] };
  const ends = ['', '/', '?', '#'].map((end) => target + end);
  return { condition: `left(${column}, ?) in ${placeholders(ends.length)}`, values: [length + 1, ...ends] };
}
