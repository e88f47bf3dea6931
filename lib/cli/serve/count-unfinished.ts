import type { DtmApi, TransactionFilter } from '../../protocol/internal.js';

/** Numbers of unfinished transactions by status. */
export interface UnfinishedCounts {
  /** Transactions that wait for their initiators. */
  readonly prepared: number;
  /** Transactions that are being executed. */
  readonly submitted: number;
  /** Transactions that are being rolled back. */
  readonly aborting: number;
  /** Transactions that need attention. */
  readonly attention: number;
  /** Whether there are more than were counted. */
  readonly isPartial: boolean;
}

const PAGE = 1000;

/** A longer count would delay the start. */
const MAX_COUNT = 10_000;

/** Counts the unfinished transactions of a coordinator, up to 10,000 of each status. */
export async function countUnfinished(api: Pick<DtmApi, 'all'>): Promise<UnfinishedCounts> {
  const prepared = await countOf(api, { status: 'prepared' });
  const submitted = await countOf(api, { status: 'submitted' });
  const aborting = await countOf(api, { status: 'aborting' });
  const attention = await countOf(api, { attention: true });
  return {
    prepared: prepared.count,
    submitted: submitted.count,
    aborting: aborting.count,
    attention: attention.count,
    isPartial: [prepared, submitted, aborting, attention].some(({ isComplete }) => !isComplete),
  };
}

async function countOf(
  api: Pick<DtmApi, 'all'>,
  filter: TransactionFilter,
): Promise<{ readonly count: number; readonly isComplete: boolean }> {
  let count = 0;
  let position = '';
  do {
    const page = await api.all({ ...filter, position, limit: PAGE });
    count += page.transactions.length;
    position = page.nextPosition;
  } while (position !== '' && count < MAX_COUNT);
  return { count, isComplete: position === '' };
}
