const OWN_HEADERS = Object.freeze({ 'content-type': 'application/json', accept: 'application/json' });

/** Headers of the connection or of the message framing. A branch header with such a name is not sent; Go drops it too. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Creates the headers of a branch call over HTTP or in process, with names in lower case. A branch header replaces a header of the
 * transport.
 */
export function createHttpHeaders(
  branchHeaders: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  if (!branchHeaders) return OWN_HEADERS;
  // without a prototype, because a header can have the name __proto__
  const headers = Object.assign(Object.create(null) as Record<string, string>, OWN_HEADERS);
  for (const [name, value] of Object.entries(branchHeaders)) {
    const lower = name.toLowerCase();
    if (!CONNECTION_HEADERS.has(lower)) headers[lower] = value;
  }
  return headers;
}
