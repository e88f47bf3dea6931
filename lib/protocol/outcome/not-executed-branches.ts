/**
 * Which branches a failure reports as not executed: `true` for the branch itself, whose method did not begin in this call, or the ids
 * of nested branches that the try has called. docs/protocol.md#refused-payloads
 */
export type NotExecutedBranches = true | readonly string[];

/**
 * Reads the JSON field `not_executed` of a failure.
 *
 * @returns undefined when it reports none
 */
export function parseNotExecuted(value: unknown): NotExecutedBranches | undefined {
  if (value === true) return true;
  const isList = Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'string');
  return isList ? (value as string[]) : undefined;
}

/** Writes the value of the gRPC trailer of a failure. */
export function encodeNotExecutedTrailer(branches: NotExecutedBranches): string {
  return branches === true ? 'true' : branches.join(',');
}

/** Reads the value of the gRPC trailer of a failure. */
export function decodeNotExecutedTrailer(value: string): NotExecutedBranches | undefined {
  return value === 'true' || parseNotExecuted(value.split(',').filter(Boolean));
}
