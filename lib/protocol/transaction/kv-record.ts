/** A value that the coordinator keeps beside transactions, e.g. the subscribers of a topic. */
export interface KvRecord {
  /** Category, e.g. `topics`. */
  readonly category: string;
  /** Key within the category. */
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Counts the changes, from 1. */
  readonly version: number;
  /** UTC milliseconds. */
  readonly createTime: number;
  /** UTC milliseconds. */
  readonly updateTime: number;
}

/** One page of kept values. */
export interface KvPage {
  /** Values of the page. */
  readonly records: readonly KvRecord[];
  /** Give this as `position` to get the next page; `''` at the end. */
  readonly nextPosition: string;
}

/**
 * The JSON object that shows a value, ready to be stringified.
 *
 * @param record - the value
 */
export function encodeKvRecord(record: KvRecord): Record<string, unknown> {
  return {
    id: 0,
    create_time: new Date(record.createTime).toISOString(),
    update_time: new Date(record.updateTime).toISOString(),
    cat: record.category,
    k: record.key,
    v: record.value,
    version: record.version,
  };
}
