import type { ExecutionContext } from '@nestjs/common';
import { DtmArgumentError, type BranchContext } from '../../../protocol/internal.js';
import { findGrpcArguments } from '../../undocumented/grpc-arguments.js';
import { findBranchDefinition } from '../definition/branch-definition.js';
import { readMetadataParameters, readQueryParameters, type RequestWithQuery } from './branch-parameters.js';
import { findHostCall } from './incoming-branch-call.js';

/** The parameters of dtm in the call that a guard or interceptor works on; undefined when it is no valid call of a branch. */
export function findBranchContext(context: ExecutionContext): BranchContext | undefined {
  if (!findBranchDefinition(context.getHandler())) return undefined;
  const admitted = findHostCall(context);
  if (admitted) return admitted.context;
  const grpc = findGrpcArguments(context);
  if (!grpc && context.getType() !== 'http') return undefined;
  try {
    return grpc ? readMetadataParameters(grpc[1]) : readQueryParameters(context.getArgByIndex<RequestWithQuery>(0));
  } catch (error) {
    // the guard of the branch refuses the call
    if (error instanceof DtmArgumentError) return undefined;
    throw error;
  }
}
