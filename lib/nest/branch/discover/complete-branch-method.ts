import type { Type } from '@nestjs/common';
import { addGrpcPatterns } from '../../undocumented/message-pattern.js';
import { addCallArguments } from '../../undocumented/route-arguments.js';
import { moveGuardToEnd } from '../../undocumented/route-metadata.js';
import { findBranchDefinition } from '../definition/branch-definition.js';
import { withoutControllerSuffix } from '../definition/rpc-name.js';
import { BranchGuard } from '../serve/branch.guard.js';

/**
 * Adds what must wait until all decorators of a branch method have run, in whatever order: the method gets the request
 * behind its own arguments, the branch guard becomes the last guard, and gRPC finds the method under the name in its
 * decorator and, by Nest's convention, under its class. Idempotent.
 *
 * @param controller - class of the controller
 * @param method - name of the method
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
