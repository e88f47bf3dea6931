import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { readBranchQuery, type BranchContext } from '../../protocol/internal.js';
import type { BranchRequest } from '../branch/serve/incoming-branch-call.js';

/** Metadata of a gRPC call. */
interface GrpcMetadata extends BranchRequest {
  getMap(): Readonly<Record<string, unknown>>;
}

/** A unary call on its server's side. */
interface GrpcServerCall {
  readonly metadata: GrpcMetadata;
  /** Full method, `/pkg.Service/Method`. */
  getPath(): string;
}

/** What Nest hands to guards, filters and the method of a unary gRPC call: message, metadata, call. */
export type GrpcArgs = [message: unknown, metadata: GrpcMetadata, call: GrpcServerCall];

/**
 * The arguments of a gRPC call; those of other transports have another shape.
 *
 * @param host - execution context of Nest
 * @returns the very list that Nest goes on with; undefined when it is no gRPC call
 */
export function grpcArgsOf(host: ExecutionContext | ArgumentsHost): GrpcArgs | undefined {
  if (host.getType() !== 'rpc') return undefined;
  const args = host.getArgs<Partial<GrpcArgs>>();
  const [, metadata, call] = args;
  const isGrpc = typeof metadata?.getMap === 'function' && call?.metadata === metadata;
  return isGrpc ? (args as GrpcArgs) : undefined;
}

/**
 * Reads the branch parameters of a gRPC call.
 *
 * @param metadata - of the call
 * @throws DtmArgumentError when they are missing or malformed
 */
export function readBranchMetadata(metadata: GrpcMetadata): BranchContext {
  const values = metadata.getMap();
  const names = ['gid', 'trans_type', 'branch_id', 'op', 'dtm', 'phase2_url'];
  return readBranchQuery(Object.fromEntries(names.map((name) => [name, values[`dtm-${name}`]])));
}
