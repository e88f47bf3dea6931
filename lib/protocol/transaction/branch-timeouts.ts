import type { JsonReader } from '../json-reader.js';

/** The time-outs among the options of a transaction. */
interface Timeouts {
  readonly requestTimeoutSeconds?: number | undefined;
  readonly branchTimeoutSeconds?: Readonly<Record<string, number>> | undefined;
}

/** Time-out of a branch call in dtm when neither the transaction nor the configuration sets one. */
const DEFAULT_SECONDS = 3;

/** Key of the time-out of all other branches; no URL is like this. */
const OTHERS = '*';

/**
 * The longest time-out of a transaction: `request_timeout`, which Go dtm gives to each call.
 *
 * @returns undefined when the coordinator decides
 */
export function longestTimeout({ requestTimeoutSeconds, branchTimeoutSeconds }: Timeouts): number | undefined {
  if (!branchTimeoutSeconds) return requestTimeoutSeconds;
  let longest = requestTimeoutSeconds || DEFAULT_SECONDS;
  for (const url in branchTimeoutSeconds) longest = Math.max(longest, branchTimeoutSeconds[url]!);
  return longest;
}

/** Writes `branch_timeouts`, by URL: docs/protocol.md#time-outs. Undefined when `request_timeout` says everything. */
export function encodeBranchTimeouts({
  requestTimeoutSeconds,
  branchTimeoutSeconds,
}: Timeouts): Readonly<Record<string, number>> | undefined {
  if (!branchTimeoutSeconds || !requestTimeoutSeconds) return branchTimeoutSeconds;
  return { ...branchTimeoutSeconds, [OTHERS]: requestTimeoutSeconds };
}

/**
 * Reads `request_timeout` and `branch_timeouts`.
 *
 * @throws DtmArgumentError when one of them has the wrong type
 */
export function decodeTimeouts(json: JsonReader): Timeouts {
  const timeouts = json.counts('branch_timeouts');
  if (!timeouts) return { requestTimeoutSeconds: json.count('request_timeout') || undefined };
  const { [OTHERS]: others, ...branchTimeoutSeconds } = timeouts;
  return { requestTimeoutSeconds: others || undefined, branchTimeoutSeconds };
}
