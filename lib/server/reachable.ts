import {
  DtmArgumentError,
  TOPIC_SCHEME,
  checkBranchUrl,
  decodeWorkflowCall,
  isHttpUrl,
  stepBranchId,
  type BranchContext,
  type BranchRegistration,
  type Protocol,
  type TransactionRequest,
} from '../protocol/index.js';
import type { Transport } from '../transport/index.js';

/**
 * Refuses a transaction whose branches the transport could never call: they would be tried for ever. Those that are
 * called over HTTP are checked by the engine.
 *
 * @param transport - calls them
 * @param request - what an initiator sent
 * @throws DtmArgumentError naming the URL
 */
export function checkReachable(transport: Transport, request: TransactionRequest): void {
  const { gid, transType, protocol, steps = [], queryPrepared, branchHeaders } = request;
  // any other has HTTP branches only
  if (protocol !== 'grpc') return;
  const context = { gid, transType };
  for (const [index, { action, compensate }] of steps.entries()) {
    const branchId = stepBranchId(index + 1);
    checkUrl(transport, 'action', action, { ...context, branchId, op: 'action' }, branchHeaders);
    checkUrl(transport, 'compensate', compensate, { ...context, branchId, op: 'compensate' }, branchHeaders);
  }
  if (!queryPrepared) return;
  const op = transType === 'workflow' ? decodeWorkflowCall(request.customData).name : 'msg';
  checkUrl(transport, 'query_prepared', queryPrepared, { ...context, branchId: '00', op }, branchHeaders);
}

/**
 * Whether a branch is to be called otherwise than over HTTP, so that {@link checkBranchReachable} should look at it.
 *
 * @param branch - what is registered
 */
export function isCalledByUrl(branch: BranchRegistration): boolean {
  return foreignUrls(branch).length > 0;
}

/**
 * Refuses a branch that the transport could never call.
 *
 * @param transport - calls it
 * @param branch - what is registered
 * @param protocol - of its transaction
 * @throws DtmArgumentError naming the URL
 */
export function checkBranchReachable(transport: Transport, branch: BranchRegistration, protocol: Protocol): void {
  const { gid, transType, branchId } = branch;
  for (const [op, url] of foreignUrls(branch)) {
    checkBranchUrl(url, op, protocol);
    checkUrl(transport, op, url, { gid, transType, branchId, op });
  }
}

function foreignUrls(branch: BranchRegistration): (readonly [op: string, url: string])[] {
  return Object.entries(urlsOf(branch)).filter(([, url]) => url !== '' && !isHttpUrl(url));
}

function checkUrl(
  transport: Transport,
  what: string,
  url: string | undefined,
  context: BranchContext,
  headers?: Readonly<Record<string, string>>,
): void {
  if (!url || isHttpUrl(url) || url.startsWith(TOPIC_SCHEME)) return;
  try {
    transport.check?.({ url, context, headers });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${what} ${JSON.stringify(url)} cannot be called: ${reason}`;
    throw new DtmArgumentError(message, { cause, gid: context.gid });
  }
}

function urlsOf(branch: BranchRegistration): Record<string, string> {
  switch (branch.transType) {
    case 'tcc':
      return { confirm: branch.confirm, cancel: branch.cancel };
    case 'xa':
      return { url: branch.url };
    case 'workflow':
      return {};
  }
}
