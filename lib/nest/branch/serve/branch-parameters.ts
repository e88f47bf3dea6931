import { DtmArgumentError, readBranchQuery, type BranchContext } from '../../../protocol/internal.js';
import type { GrpcMetadata } from '../../undocumented/grpc-arguments.js';
import { findNodeRequest } from '../../undocumented/node-messages.js';

/** A request with its parsed query, on every platform. */
export interface RequestWithQuery {
  readonly query?: unknown;
}

const METADATA_NAMES = ['gid', 'trans_type', 'branch_id', 'op', 'dtm', 'phase2_url'];

/** Reads dtm's parameters from the query of an HTTP request. @throws DtmArgumentError when they are missing or malformed */
export function readQueryParameters(request: RequestWithQuery): BranchContext {
  const { query } = request;
  const context = readBranchQuery(isObject(query) ? query : {});
  if (hasPercentSign(context)) assertDecodable(findNodeRequest(request)?.url ?? '');
  return context;
}

function hasPercentSign({ gid, branchId, op }: BranchContext): boolean {
  return gid.includes('%') || branchId.includes('%') || op.includes('%');
}

/** Fastify leaves text that it cannot decode as it is: `%FF` would be the same gid as `%25FF`. */
function assertDecodable(url: string): void {
  try {
    decodeURIComponent(url);
  } catch (cause) {
    throw new DtmArgumentError('the query is not percent-encoded UTF-8; encode gid, branch_id and op', { cause });
  }
}

/** Reads dtm's parameters from the metadata of a gRPC call. @throws DtmArgumentError when they are missing or malformed */
export function readMetadataParameters(metadata: GrpcMetadata): BranchContext {
  const values = metadata.getMap();
  return readBranchQuery(Object.fromEntries(METADATA_NAMES.map((name) => [name, values[`dtm-${name}`]])));
}

/** Whether a request claims to be a branch call: it carries dtm's four parameters, valid or not. */
export function hasBranchParameters({ query }: RequestWithQuery): boolean {
  if (!isObject(query)) return false;
  const has = (name: string): boolean => Object.hasOwn(query, name);
  return has('gid') && has('trans_type') && has('branch_id') && (has('op') || has('branch_type'));
}

function isObject(query: unknown): query is Record<string, unknown> {
  return typeof query === 'object' && query !== null;
}
