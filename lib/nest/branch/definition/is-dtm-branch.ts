import type { ExecutionContext } from '@nestjs/common';
import { findBranchDefinition } from './branch-definition.js';

/**
 * Tells guards and interceptors of the application whether a route is a branch method, or the query-back that the module mounts: over
 * HTTP, over gRPC and in process. It does not tell who calls: anyone who reaches the application can call a branch.
 *
 * @param context - as Nest passes it to guards and interceptors
 *
 * @example
 * canActivate(context: ExecutionContext): boolean {
 *   return isDtmBranch(context) ? hasServiceToken(context) : hasUser(context);
 * }
 */
export function isDtmBranch(context: Pick<ExecutionContext, 'getHandler'>): boolean {
  return findBranchDefinition(context.getHandler()) !== undefined;
}
