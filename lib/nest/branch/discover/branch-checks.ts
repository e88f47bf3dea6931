import { RequestMethod, type Type } from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  EXCEPTION_FILTERS_METADATA,
  METHOD_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  RESPONSE_PASSTHROUGH_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { DtmConfigError } from '../../../protocol/internal.js';
import { findBranchDefinition, type BranchDefinition } from '../definition/branch-definition.js';
import { BranchExceptionFilter } from '../serve/branch-exception.filter.js';

/**
 * Refuses wiring that compiles and would go wrong at the first call.
 *
 * @param controller - class of the controller
 * @param method - name of the branch method
 * @param definition - what the decorator said about it
 * @throws DtmConfigError naming class, method and remedy
 */
export function checkBranchMethod(controller: Type, method: string, definition: BranchDefinition): void {
  const where = `${controller.name}.${method}`;
  const handler = (controller.prototype as Record<string, (...args: unknown[]) => unknown>)[method]!;
  checkCompanions(controller, where, method, definition);
  if (Reflect.getMetadata(METHOD_METADATA, handler) !== RequestMethod.ALL) {
    throw new DtmConfigError(
      `${where} has a route decorator such as @Post(); remove it, the branch decorator maps the route`,
    );
  }
  if ([REDIRECT_METADATA, RENDER_METADATA, SSE_METADATA].some((key) => Reflect.hasMetadata(key, handler))) {
    throw new DtmConfigError(
      `${where} has @Redirect, @Render or @Sse; remove it, a branch answers dtm with its outcome`,
    );
  }
  const filters = (Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, handler) ?? []) as readonly unknown[];
  if (filters.some((filter) => filter !== BranchExceptionFilter)) {
    throw new DtmConfigError(
      `${where} has @UseFilters, but what a branch throws is answered by dtm's rules; remove it, and translate errors in an interceptor or in the handler`,
    );
  }
  checkParameters(controller, where, method, handler.length);
}

/** An override without decorators has no metadata, and so no route. */
function checkCompanions(controller: Type, where: string, method: string, definition: BranchDefinition): void {
  if ('companionOf' in definition) return;
  for (const [op, name] of Object.entries(definition.companions) as [string, string | false][]) {
    if (name === false) continue;
    const companion = findBranchDefinition((controller.prototype as Record<string, unknown>)[name]);
    if (companion?.op !== op || !('companionOf' in companion) || companion.companionOf !== method) {
      throw new DtmConfigError(
        `${where} has the ${op} ${name}, which a subclass or decorator replaced; decorate the branch in ${controller.name} again`,
      );
    }
  }
}

function checkParameters(controller: Type, where: string, method: string, count: number): void {
  const args = Object.keys((Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as object);
  const ofType = (type: RouteParamtypes): string | undefined =>
    args.find((key) => !key.includes(CUSTOM_ROUTE_ARGS_METADATA) && key.startsWith(`${type}:`));

  const payload = ofType(RouteParamtypes.BODY);
  if (payload !== undefined && indexOf(payload) !== 0) {
    throw new DtmConfigError(
      `${where} has @BranchPayload() on parameter ${indexOf(payload) + 1}; make it the first, branchOf takes its type from there`,
    );
  }
  const known = new Set(args.map(indexOf));
  const bare = Array.from({ length: count }, (_, index) => index).find((index) => !known.has(index));
  if (bare !== undefined) {
    throw new DtmConfigError(
      `${where}: parameter ${bare + 1} has no decorator and would be undefined; add @BranchPayload(), @Branch() or @Barrier()`,
    );
  }
  const takesOver = ofType(RouteParamtypes.RESPONSE) ?? ofType(RouteParamtypes.NEXT);
  if (takesOver !== undefined && Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, controller, method) !== true) {
    throw new DtmConfigError(
      `${where} takes the response over by @Res() or @Next(), so that its outcome would not be sent; use @Res({ passthrough: true })`,
    );
  }
}

/** Nest's key of a parameter ends in `:<index>`. */
function indexOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1));
}
