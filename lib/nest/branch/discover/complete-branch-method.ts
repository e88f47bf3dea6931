import type { Type } from '@nestjs/common';
import { addGrpcPatterns } from '../../undocumented/message-pattern.js';
import { addCallArguments } from '../../undocumented/route-arguments.js';
import { moveGuardToEnd } from '../../undocumented/route-metadata.js';
import { findBranchDefinition } from '../definition/branch-definition.js';
import { withoutControllerSuffix } from '../definition/rpc-name.js';
import { BranchGuard } from '../serve/branch.guard.js';

/**
 * Completes a branch method after all its decorators have run, because their order is not known. The method receives
 * the request after its declared arguments, and the branch guard becomes the last guard. gRPC finds the method under
 * the name in its decorator and, by Nest's convention, under the name of its class. Idempotent.
 */
export function completeBranchMethod(controller: Type, method: string): void {
  const handler = (controller.prototype as Record<string, object>)[method]!;
  const { service, method: rpc } = findBranchDefinition(handler)!.rpc;
  const services = new Set([service, controller.name, withoutControllerSuffix(controller.name)]);
  moveGuardToEnd(handler, BranchGuard);
  addCallArguments(controller, method);
  addGrpcPatterns(
    handler,
    [...services].map((name) => ({ service: name, rpc })),
  );
}
