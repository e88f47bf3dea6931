const OWN_HEADERS = Object.freeze({ 'content-type': 'application/json', accept: 'application/json' });

/** Headers that belong to the connection or frame the message: a branch header of that name cannot be sent, Go leaves it out, too. */
const NOT_OURS_TO_SET = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The headers of a branch call. Names differ in case only by accident, so a branch header replaces ours.
 *
 * @param branchHeaders - of the transaction
 */
export function withBranchHeaders(
  branchHeaders: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  if (!branchHeaders) return OWN_HEADERS;
  // without a prototype, for a header may be called __proto__
  const headers = Object.assign(Object.create(null) as Record<string, string>, OWN_HEADERS);
  for (const [name, value] of Object.entries(branchHeaders)) {
    const lower = name.toLowerCase();
    if (!NOT_OURS_TO_SET.has(lower)) headers[lower] = value;
  }
  return headers;
}
