import { MAX_PAGE_BYTES, nextPositionOf, takeBytes } from '../page.js';
import type { PruneResult, WakeFilter } from '../store.js';
import { isWaitingFor, mayWake } from '../wake-rules.js';
import type { GlobalRow } from './rows.js';
import type { Statements } from './statements.js';
import { readDetails } from './transactions.js';

/** Rows that are read at a time while waiting transactions are searched. */
const PAGE_SIZE = 100;

/** Where a scan for waiting transactions continues. */
export type SleepingPosition = Pick<SleepingRow, 'due_time' | 'id'>;

/**
 * A part of `Store.wake`: ends after some megabytes of transactions, so that other operations do not wait for long.
 *
 * @param woken - ids of the parts before
 * @param after - `next` of the part before. @default the first part
 * @returns which were made due, and where the next part begins, if there is one
 */
export function wakeTransactions(
  statements: Statements,
  now: number,
  filter: WakeFilter,
  woken: ReadonlySet<number>,
  after: SleepingPosition = { due_time: filter.laterThan, id: Number.MAX_SAFE_INTEGER },
): { readonly ids: readonly number[]; readonly next?: SleepingPosition } {
  const { limit, leases, target, gid } = filter;
  const ids: number[] = [];
  let bytes = 0;
  let next: SleepingPosition | undefined;
  for (const row of sleepingRows(statements, filter, after)) {
    if (woken.size + ids.length >= limit) break;
    if (woken.has(row.id) || !mayWake({ owner: row.owner ?? undefined, nextCronTime: row.due_time }, leases)) continue;
    if (!target || waitsFor(statements, row.id, target)) ids.push(row.id);
    if (!target || gid) continue;
    bytes += (statements.selectSize.get(row.id) as { size: number }).size;
    next = bytes >= MAX_PAGE_BYTES ? row : undefined;
    if (next) break;
  }
  for (const id of ids) statements.wake.run(now, id);
  return { ids, ...(next && { next }) };
}

function waitsFor(statements: Statements, id: number, target: string): boolean {
  // as the target is written in JSON: most transactions need not be parsed
  const mention = JSON.stringify(target).slice(1, -1);
  if (!statements.selectMention.get(id, mention, mention)) return false;
  const details = readDetails(statements, id);
  return details !== undefined && isWaitingFor(details, target);
}

type SleepingRow = Pick<GlobalRow, 'id' | 'owner'> & { readonly due_time: number };

/** Waiting transactions, the earliest due first. */
function* sleepingRows(
  statements: Statements,
  { gid, laterThan }: WakeFilter,
  after: SleepingPosition,
): Generator<SleepingRow> {
  if (gid) {
    const row = statements.selectWaiting.get(gid) as SleepingRow | undefined;
    if (row && row.due_time > laterThan) yield row;
    return;
  }
  let last: SleepingPosition | undefined = after;
  // page by page: an open cursor keeps SQLite from truncating the log
  while (last) {
    const rows = statements.selectSleeping.all(last.due_time, last.id, PAGE_SIZE) as SleepingRow[];
    yield* rows;
    last = rows.length < PAGE_SIZE ? undefined : rows.at(-1);
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
