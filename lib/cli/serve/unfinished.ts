import type { DtmApi, TransactionFilter } from '../../protocol/internal.js';

/** Unfinished transactions by status. */
export interface Unfinished {
  /** Wait for their initiators. */
  readonly prepared: number;
  /** Are being executed. */
  readonly submitted: number;
  /** Are being rolled back. */
  readonly aborting: number;
  /** A person should look at them. */
  readonly attention: number;
  /** There are more of some kind than were counted. */
  readonly isMore: boolean;
}

const PAGE = 1000;

/** Counting more would only delay the start. */
const MOST = 10_000;

/**
 * Counts the transactions that are not finished, up to 10,000 of each status.
 *
 * @param api - the coordinator
 */
export async function countUnfinished(api: Pick<DtmApi, 'all'>): Promise<Unfinished> {
  const prepared = await countOf(api, { status: 'prepared' });
  const submitted = await countOf(api, { status: 'submitted' });
  const aborting = await countOf(api, { status: 'aborting' });
  const attention = await countOf(api, { attention: true });
  return {
    prepared: prepared.count,
    submitted: submitted.count,
    aborting: aborting.count,
    attention: attention.count,
    isMore: [prepared, submitted, aborting, attention].some(({ isAll }) => !isAll),
  };
}

async function countOf(
  api: Pick<DtmApi, 'all'>,
  filter: TransactionFilter,
): Promise<{ readonly count: number; readonly isAll: boolean }> {
  let count = 0;
  let position = '';
  do {
    const page = await api.all({ ...filter, position, limit: PAGE });
    count += page.transactions.length;
    position = page.nextPosition;
  } while (position !== '' && count < MOST);
  return { count, isAll: position === '' };
}
