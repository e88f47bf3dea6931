/** A value that the coordinator stores in addition to transactions, e.g. the subscribers of a topic: docs/protocol.md#key-value-records. */
export interface KvRecord {
  /** Category, e.g. `topics`. */
  readonly category: string;
  /** Key within the category. */
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Number of writes so far, from 1. */
  readonly version: number;
  /** When the value was created, UTC milliseconds. */
  readonly createTime: number;
  /** When the value was changed last, UTC milliseconds. */
  readonly updateTime: number;
}

/** One page of stored values. */
export interface KvPage {
  /** Values of the page. */
  readonly records: readonly KvRecord[];
  /** `position` of the next page; `''` on the last page. */
  readonly nextPosition: string;
}

/** The JSON object by which the HTTP API shows a stored value: docs/protocol.md#key-value-records. */
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
