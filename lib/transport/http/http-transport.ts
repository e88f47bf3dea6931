import { appendBranchQuery, readHttpOutcome, type Outcome } from '../../protocol/index.js';
import type { BranchCall, Transport } from '../transport.js';
import { HttpRequester, type HttpRequesterOptions } from './http-requester.js';

/**
 * Calls branches over HTTP the way dtm does (`dtm-protocol.md` §4.1): POST with a JSON body, GET when there is none, the
 * branch parameters behind those of the URL.
 *
 * @param options - limits of the connection pools
 */
export function httpTransport(options: HttpRequesterOptions = {}): Transport {
  const requester = new HttpRequester(options);
  return {
    call: (call) => callBranch(requester, call),
    close: () => requester.close(),
  };
}

async function callBranch(requester: HttpRequester, call: BranchCall): Promise<Outcome> {
  const hasBody = call.payload.length > 0;
  const post = hasBody || call.context.transType === 'xa';
  try {
    const answer = await requester.request({
      method: post ? 'POST' : 'GET',
      url: appendBranchQuery(call.url, call.context),
      headers: withBranchHeaders(call.headers),
      body: hasBody ? call.payload : undefined,
      timeoutMs: call.timeoutSeconds * 1000,
    });
    return readHttpOutcome(answer.status, answer.body);
  } catch (cause) {
    return { kind: 'unknown', message: `no answer: ${reasonOf(cause)}`, cause };
  }
}

const OWN_HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

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

/** Header names differ in case only by accident, so the later one must replace the earlier. */
function withBranchHeaders(branchHeaders: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const headers: Record<string, string> = { ...OWN_HEADERS };
  for (const [name, value] of Object.entries(branchHeaders ?? {})) {
    const lower = name.toLowerCase();
    if (!NOT_OURS_TO_SET.has(lower)) headers[lower] = value;
  }
  return headers;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // a refused connection to a name with several addresses has its reasons inside
  const inner = cause instanceof AggregateError ? cause.errors.map((error) => reasonOf(error)).join('; ') : '';
  return cause.message || inner || cause.name;
}
