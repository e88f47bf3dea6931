import { MAX_PAGE_BYTES, nextPositionOf, takeBytes } from '../page.js';
import type { PruneResult, WakeBatch, WakeFilter } from '../store.js';
import { isWaitingFor, mayWake } from '../wake-rules.js';
import type { GlobalRow } from './rows.js';
import type { Statements } from './statements.js';
import { readDetails } from './transactions.js';

/** Rows that are read at a time while waiting transactions are searched. */
const PAGE_SIZE = 1000;

/**
 * `Store.wake`; `after` is the parsed position. Ends after some megabytes of transactions, so that other operations do not
 * wait for long.
 */
export function wakeTransactions(statements: Statements, now: number, filter: WakeFilter, after: number): WakeBatch {
  const { limit, leases, target, gid } = filter;
  const ids: number[] = [];
  let bytes = 0;
  let nextPosition = '';
  for (const { id, owner, due_time } of sleepingRows(statements, filter, after)) {
    if (!mayWake({ owner: owner ?? undefined, nextCronTime: due_time }, leases)) continue;
    if (!target || waitsFor(statements, id, target)) ids.push(id);
    if (target && !gid) bytes += (statements.selectSize.get(id) as { size: number }).size;
    if (ids.length < limit && bytes < MAX_PAGE_BYTES) continue;
    nextPosition = String(id);
    break;
  }
  for (const id of ids) statements.wake.run(now, id);
  return { count: ids.length, nextPosition };
}

function waitsFor(statements: Statements, id: number, target: string): boolean {
  // as the target is written in JSON: most transactions need not be parsed
  const mention = JSON.stringify(target).slice(1, -1);
  if (!statements.selectMention.get(id, mention, mention)) return false;
  const details = readDetails(statements, id);
  return details !== undefined && isWaitingFor(details, target);
}

type SleepingRow = Pick<GlobalRow, 'id' | 'owner'> & { readonly due_time: number };

/** Waiting transactions in the order of their creation. */
function* sleepingRows(statements: Statements, { gid, laterThan }: WakeFilter, after: number): Generator<SleepingRow> {
  if (gid) {
    const row = statements.selectWaiting.get(gid) as SleepingRow | undefined;
    if (row && row.due_time > laterThan && row.id > after) yield row;
    return;
  }
  let last: number | undefined = after;
  // page by page: an open cursor keeps SQLite from truncating the log
  while (last !== undefined) {
    const rows = statements.selectSleeping.all(laterThan, last, PAGE_SIZE) as SleepingRow[];
    yield* rows;
    last = rows.length < PAGE_SIZE ? undefined : rows.at(-1)?.id;
  }
}

/** `Store.prune`; `after` is the parsed position. */
export function pruneTransactions(statements: Statements, before: number, after: number, limit: number): PruneResult {
  type Row = Pick<GlobalRow, 'id' | 'create_time' | 'update_time' | 'due_time'>;
  const rows = statements.selectOldest.all(after, limit) as Row[];
  const newer = rows.findIndex((row) => row.create_time >= before);
  const isOld = (row: Row): boolean => row.due_time === null && row.update_time < before;
  const candidates = newer < 0 ? rows : rows.slice(0, newer);
  // SQLite reads the pages of what it deletes, and blocks the process meanwhile
  const sizeOf = ({ id }: Row): number => (statements.selectSize.get(id) as { size: number }).size;
  const checked = takeBytes(candidates, MAX_PAGE_BYTES, (row) => (isOld(row) ? sizeOf(row) : 0));
  const old = checked.filter(isOld);
  for (const { id } of old) {
    statements.deleteProgress.run(id);
    statements.deleteBranches.run(id);
    statements.deleteGlobal.run(id);
  }
  const isCut = checked.length < candidates.length;
  return { count: old.length, nextPosition: nextPositionOf(checked, isCut ? checked.length : limit) };
}
