import type { Store, UnfinishedCounts } from '../store/store.js';

/** {@link UnfinishedCounts} at the start of the coordinator. */
export interface UnfinishedSummary extends UnfinishedCounts {
  /** Whether there may be more than were counted. */
  readonly isPartial: boolean;
}

/** A longer count would delay the start. */
const MAX_COUNT = 10_000;

/** Counts the unfinished transactions of a store, up to 10,000. */
export async function countUnfinished(store: Pick<Store, 'countUnfinished'>): Promise<UnfinishedSummary> {
  const counts = await store.countUnfinished(MAX_COUNT);
  return { ...counts, isPartial: counts.prepared + counts.submitted + counts.aborting >= MAX_COUNT };
}
