import {
  appendBranchQuery,
  createHttpHeaders,
  errorText,
  readHttpOutcome,
  readJsonRpcOutcome,
  type Outcome,
} from '../../protocol/internal.js';
import { isDefiniteError } from '../is-definite-error.js';
import { TIME_OUT_HINT, TimeOutError } from '../time-out.js';
import type { OutgoingBranchCall, Transport } from '../transport.js';
import { HttpRequester, type HttpRequest, type HttpConnectionOptions } from './http-requester.js';
import { isJsonRpc, jsonRpcRequest } from './json-rpc-call.js';

/**
 * Creates a transport that calls branches over HTTP: plainly (docs/protocol.md#http-branch-calls), or by JSON-RPC when the
 * transaction has that protocol and the URL names a method (docs/protocol.md#json-rpc-branch-calls).
 *
 * @param options - limits of the connection pools
 */
export function httpTransport(options: HttpConnectionOptions = {}): Transport {
  const requester = new HttpRequester(options);
  return {
    call: (call) => callBranch(requester, call),
    close: () => requester.close(),
  };
}

async function callBranch(requester: HttpRequester, call: OutgoingBranchCall): Promise<Outcome> {
  const isRpc = isJsonRpc(call);
  let connected = false;
  try {
    const request = isRpc ? jsonRpcRequest(call) : plainRequest(call);
    const answer = await requester.request({
      ...request,
      headers: createHttpHeaders(call.headers),
      timeoutMs: call.timeoutSeconds * 1000,
      group: call.isRecovery ? 'recovery' : undefined,
      onConnected: () => (connected = true),
    });
    const { status, body, unfollowedRedirect } = answer;
    if (unfollowedRedirect !== undefined) return { kind: 'unknown', message: unfollowedRedirect, definite: true };
    const outcome = isRpc ? readJsonRpcOutcome(status, body) : readHttpOutcome(status, body);
    // a proxy that answers 502, 503 or 504 may have other servers for other paths
    return outcome.kind === 'unknown' && outcome.unreachable ? { ...outcome, connected } : outcome;
  } catch (cause) {
    const definite = isDefiniteError(cause);
    const hint = cause instanceof TimeOutError ? `; ${TIME_OUT_HINT}` : '';
    return {
      kind: 'unknown',
      message: `no answer: ${errorText(cause)}${hint}`,
      cause,
      unreachable: true,
      connected,
      definite,
    };
  }
}

/** POST with a payload, GET without; the branch parameters follow those of the URL. */
function plainRequest({ url, context, payload }: OutgoingBranchCall): Pick<HttpRequest, 'method' | 'url' | 'body'> {
  const hasBody = payload.length > 0;
  const isPost = hasBody || context.transType === 'xa';
  return { method: isPost ? 'POST' : 'GET', url: appendBranchQuery(url, context), body: hasBody ? payload : undefined };
}
