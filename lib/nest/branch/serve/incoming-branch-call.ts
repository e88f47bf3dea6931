import type { BranchBarrier } from '../../../barrier/index.js';
import { readBranchQuery, type BranchContext } from '../../../protocol/internal.js';
import type { BranchDefinition } from '../definition/branch-definition.js';
import type { InFlightBranches } from './in-flight-branches.js';
import type { TrackedXaBranch } from './tracked-xa-branch.js';

const CALL = Symbol('nestjs-dtm:call');

/** One call of a branch method. */
export interface IncomingBranchCall {
  /** Who calls, and for what. */
  readonly context: BranchContext;
  /** What the method serves. */
  readonly definition: BranchDefinition;
  /** `Class.method` that serves it. */
  readonly handler: string;
  /** Counts the method while it runs. */
  readonly gate: InFlightBranches;
  /** Both phases of an XA branch. */
  readonly xa?: TrackedXaBranch | undefined;
  /** What an answer without content is over gRPC: `{}` for a message of a .proto. */
  readonly nothing?: object | undefined;
  /** The method that Nest's route leads to, and how many arguments Nest gives it. */
  route?: { readonly method: unknown; readonly count: number };
  /** Made when it is first asked for: barrier ids count per request. */
  barrier?: BranchBarrier;
}

/** What the package reads of a request, on every platform; over gRPC it is the metadata of the call. */
export interface BranchRequest {
  /** Parsed query; Express parses it whenever it is read. */
  readonly query?: unknown;
  // on the request itself, so that no two applications meet in it
  [CALL]?: IncomingBranchCall;
}

/**
 * Remembers the call that a request is.
 *
 * @param request - the platform's request
 * @param call - the call
 */
export function attachIncomingCall(request: BranchRequest, call: IncomingBranchCall): void {
  request[CALL] = call;
}

/**
 * The call that a request was found to be.
 *
 * @param request - the platform's request, or any other value
 */
export function findIncomingCall(request: unknown): IncomingBranchCall | undefined {
  return typeof request === 'object' && request !== null ? (request as BranchRequest)[CALL] : undefined;
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
