import { BranchBarrier } from '../../barrier/index.js';
import { readBranchQuery, type BranchContext } from '../../protocol/index.js';

/** One call of a branch handler. */
export interface BranchCall {
  /** Who calls, and for what. */
  readonly context: BranchContext;
  /** `Class.method` that serves it. */
  readonly handler: string;
  /** Made when it is first asked for: barrier ids count per request. */
  barrier?: BranchBarrier | undefined;
}

/** What the package reads of a request, on every platform. */
export interface BranchRequest {
  /** Parsed query. */
  readonly query: unknown;
}

// keyed by the request, so that no two applications meet in it
const calls = new WeakMap<BranchRequest, BranchCall>();

/**
 * Remembers the call that a request is.
 *
 * @param request - the platform's request
 * @param call - context and handler
 */
export function setBranchCall(request: BranchRequest, call: BranchCall): void {
  calls.set(request, call);
}

/**
 * The call that a request was found to be.
 *
 * @param request - the platform's request
 */
export function branchCallOf(request: BranchRequest): BranchCall | undefined {
  return calls.get(request);
}

/**
 * Reads the branch parameters of a request.
 *
 * @param request - the platform's request
 * @throws DtmArgumentError when they are missing or malformed
 */
export function readBranchRequest(request: BranchRequest): BranchContext {
  const { query } = request;
  return readBranchQuery(typeof query === 'object' && query !== null ? (query as Record<string, unknown>) : {});
}

/**
 * Whether a request claims to be a branch call: it carries dtm's four parameters, valid or not.
 *
 * @param request - the platform's request
 */
export function looksLikeBranchCall(request: BranchRequest): boolean {
  const { query } = request;
  if (typeof query !== 'object' || query === null) return false;
  const has = (name: string): boolean => Object.hasOwn(query, name);
  return has('gid') && has('trans_type') && has('branch_id') && (has('op') || has('branch_type'));
}
