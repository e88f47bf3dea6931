import {
  DtmArgumentError,
  TOPIC_SCHEME,
  assertBranchUrl,
  decodeWorkflowCall,
  errorText,
  isHttpUrl,
  stepBranchId,
  type BranchRegistration,
  type Protocol,
  type TransactionRequest,
} from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { OutgoingBranchTarget, Transport } from '../../transport/index.js';

/**
 * Refuses a transaction with a branch that the transport could never call, because it would be retried forever. The engine
 * checks plain HTTP URLs.
 *
 * @param transport - calls the branches
 * @param request - decoded request of an initiator
 * @throws DtmArgumentError that names the URL
 */
export function assertCallable(transport: Transport, request: TransactionRequest): void {
  const { gid, transType, protocol = 'http', steps = [], queryPrepared, branchHeaders: headers } = request;
  const check = (what: string, url: string | undefined, branchId: string, op: string, withHeaders = false): void => {
    const context = { gid, transType, branchId, op };
    assertUrlCallable(transport, what, { url, context, headers: withHeaders ? headers : undefined, protocol });
  };
  // the headers are the same for all steps, and the last step has the longest id: only it is checked with them
  let last: readonly [what: string, url: string | undefined, branchId: string] | undefined;
  for (const [index, { action, compensate }] of steps.entries()) {
    for (const [op, url] of [
      ['action', action],
      ['compensate', compensate],
    ] as const) {
      if (isPlain(url)) continue;
      if (last) check(...last, last[0]);
      last = [op, url, stepBranchId(index + 1)];
    }
  }
  if (last) check(...last, last[0], true);
  if (isPlain(queryPrepared)) return;
  const op = transType === 'workflow' ? decodeWorkflowCall(request.customData).name : 'msg';
  check('query_prepared', queryPrepared, '00', op, true);
}

/** Whether a branch has a URL that {@link assertBranchCallable} must check: one that is not called over plain HTTP. */
export function needsTransport(branch: BranchRegistration): boolean {
  return urlsForTransport(branch).length > 0;
}

/**
 * Refuses a branch that the transport could never call.
 *
 * @param transport - calls the branch
 * @param protocol - protocol of the transaction
 * @throws DtmArgumentError that names the URL
 */
export function assertBranchCallable(transport: Transport, branch: BranchRegistration, protocol: Protocol): void {
  const { gid, transType, branchId } = branch;
  for (const [op, url] of urlsForTransport(branch)) {
    assertBranchUrl(url, op, protocol);
    assertUrlCallable(transport, op, { url, context: { gid, transType, branchId, op }, protocol });
  }
}

function urlsForTransport(branch: BranchRegistration): (readonly [op: string, url: string])[] {
  return Object.entries(urlsOf(branch)).filter(([, url]) => url !== '' && !isHttpUrl(url));
}

/** Whether the transport has nothing to check. */
function isPlain(url: string | undefined): boolean {
  return !url || isHttpUrl(url) || url.startsWith(TOPIC_SCHEME);
}

function assertUrlCallable(
  transport: Transport,
  what: string,
  { url, ...target }: Omit<OutgoingBranchTarget, 'url'> & { readonly url: string | undefined },
): void {
  // the engine checks a URL without a scheme, unless the transaction uses gRPC
  if (url === undefined || isPlain(url) || (target.protocol !== 'grpc' && !url.includes('://'))) return;
  try {
    transport.check?.({ url, ...target });
  } catch (cause) {
    const reason = errorText(cause);
    const message = `${what} ${JSON.stringify(redactUrls(url))} cannot be called: ${reason}`;
    throw new DtmArgumentError(message, { cause, gid: target.context.gid });
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
