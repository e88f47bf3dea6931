import { DtmArgumentError } from '../errors.js';
import { MAX_OP_LENGTH, parseGid, parseIdentifier } from '../identifiers.js';
import { TRANS_TYPES, isTransType, type TransType } from '../vocabulary.js';

/** Context of a branch call: the parameters that dtm adds to every call. */
export interface BranchContext {
  /** Global transaction. */
  readonly gid: string;
  /** Mode of the global transaction. */
  readonly transType: TransType;
  /** Id of the branch within the transaction, e.g. `01`, nested `0101`. */
  readonly branchId: string;
  /** Operation: a `BranchOp`, or the name of the workflow when the coordinator calls a workflow. */
  readonly op: string;
  /** Address of the coordinator, in calls by an initiator only. */
  readonly dtm?: string | undefined;
  /** URL to register for the second phase; XA only. */
  readonly phase2Url?: string | undefined;
}

/** Query parameters that dtm adds to a branch URL. A URL that has one already would be ambiguous. */
export const RESERVED_PARAMETERS = ['branch_id', 'dtm', 'gid', 'op', 'phase2_url', 'trans_type'] as const;

/**
 * Appends the branch parameters to the query of a URL, in alphabetical order: docs/protocol.md#http-branch-calls.
 *
 * @param url - branch URL, with or without a query
 * @param context - parameters to append
 */
export function appendBranchQuery(url: string, context: BranchContext): string {
  let query = `branch_id=${encodeURIComponent(context.branchId)}`;
  if (context.dtm) query += `&dtm=${encodeURIComponent(context.dtm)}`;
  query += `&gid=${encodeURIComponent(context.gid)}&op=${encodeURIComponent(context.op)}`;
  if (context.phase2Url) query += `&phase2_url=${encodeURIComponent(context.phase2Url)}`;
  query += `&trans_type=${context.transType}`;
  const [address, fragment] = url.split('#', 2) as [string, string?];
  const joint = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
  return `${address}${joint}${query}${fragment === undefined ? '' : `#${fragment}`}`;
}

/**
 * Reads and checks the branch parameters of a request.
 *
 * @param query - parsed query; the value of a parameter that occurs more than once is an array
 * @throws DtmArgumentError when a parameter is missing, malformed, or given twice with different values
 */
export function readBranchQuery(query: Readonly<Record<string, unknown>>): BranchContext {
  const transType = parameter(query, 'trans_type');
  if (!isTransType(transType)) {
    throw new DtmArgumentError(
      `not a branch call: trans_type is ${JSON.stringify(transType ?? null)}, not one of ${TRANS_TYPES.join(', ')}; ` +
        'a coordinator or an initiator calls a branch with gid, trans_type, branch_id and op in the query',
    );
  }
  return {
    gid: parseGid(parameter(query, 'gid')),
    transType,
    branchId: parseIdentifier('branch_id', parameter(query, 'branch_id')),
    // the old Node SDK sends branch_type instead of op
    op: parseIdentifier('op', parameter(query, 'op') ?? parameter(query, 'branch_type'), MAX_OP_LENGTH),
    dtm: parameter(query, 'dtm'),
    phase2Url: parameter(query, 'phase2_url'),
  };
}

function parameter(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && typeof value[0] === 'string' && value.every((item) => item === value[0])) return value[0];
  throw new DtmArgumentError(`query parameter ${name} occurs more than once with different values`);
}
