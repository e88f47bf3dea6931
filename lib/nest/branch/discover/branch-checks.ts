import type { Type } from '@nestjs/common';
import { DtmConfigError } from '../../../protocol/internal.js';
import { findBareParameter, findBodyIndex, sendsResponseItself } from '../../undocumented/route-arguments.js';
import {
  hasResponseDecorator,
  hasRouteForAllMethods,
  listExceptionFilters,
} from '../../undocumented/route-metadata.js';
import { findBranchDefinition, type BranchDefinition } from '../definition/branch-definition.js';
import { routeDecoratorError } from '../definition/route-decorator-error.js';
import { BranchExceptionFilter } from '../serve/branch-exception.filter.js';

/**
 * Rejects wiring that compiles and would fail at the first call.
 *
 * @param definition - what its decorator recorded
 * @throws DtmConfigError naming class, method and remedy
 */
export function assertBranchMethod(controller: Type, method: string, definition: BranchDefinition): void {
  const where = `${controller.name}.${method}`;
  const handler = (controller.prototype as Record<string, (...args: unknown[]) => unknown>)[method]!;
  assertCompanions(controller, where, method, definition);
  if (!hasRouteForAllMethods(handler)) throw routeDecoratorError(where);
  if (hasResponseDecorator(handler)) {
    throw new DtmConfigError(
      `${where} has @Redirect, @Render or @Sse; remove it, the response of a branch is its outcome`,
    );
  }
  if (listExceptionFilters(handler).some((filter) => filter !== BranchExceptionFilter)) {
    throw new DtmConfigError(
      `${where} has @UseFilters, but the coordinator needs the errors of a branch in the form of the protocol; remove the decorator, and translate errors in an interceptor or in the handler`,
    );
  }
  assertParameters(controller, where, method, handler.length);
}

/** A companion that a subclass overrides without decorators has no metadata, and so no route. */
function assertCompanions(controller: Type, where: string, method: string, definition: BranchDefinition): void {
  if ('companionOf' in definition) return;
  for (const [op, name] of Object.entries(definition.companions) as [string, string | false][]) {
    if (name === false) continue;
    const companion = findBranchDefinition((controller.prototype as Record<string, unknown>)[name]);
    if (companion?.op !== op || !('companionOf' in companion) || companion.companionOf !== method) {
      throw new DtmConfigError(
        `${where}: a subclass or decorator replaced ${name}, its ${op}; decorate the branch in ${controller.name} again`,
      );
    }
  }
}

function assertParameters(controller: Type, where: string, method: string, count: number): void {
  const payload = findBodyIndex(controller, method) ?? 0;
  if (payload !== 0) {
    throw new DtmConfigError(
      `${where} has @BranchPayload() on parameter ${payload + 1}; make it the first parameter, whose type branchOf takes`,
    );
  }
  const bare = findBareParameter(controller, method, count);
  if (bare !== undefined) {
    throw new DtmConfigError(
      `${where}: parameter ${bare + 1} has no decorator and would be undefined; add @BranchPayload(), @Branch() or @Barrier()`,
    );
  }
  if (sendsResponseItself(controller, method)) {
    throw new DtmConfigError(
      `${where} sends its response itself through @Res() or @Next(), so the coordinator does not receive the outcome; use @Res({ passthrough: true })`,
    );
  }
}
