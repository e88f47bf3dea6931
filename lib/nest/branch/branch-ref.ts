import type { Type } from '@nestjs/common';
import type { BranchRef } from '../../client/index.js';
import { DtmConfigError } from '../../protocol/index.js';
import { checkBaseUrl } from '../dtm.options.js';
import type { HandlerPayload, HandlerResult, MethodName } from './handler-types.js';

/** Options of {@link branchOf}. */
export interface BranchOfOptions {
  /**
   * Base URL of another deployment of the same controller, e.g. `http://bank2:3000`; its paths are those of this application.
   *
   * @default this application
   */
  readonly at?: string | undefined;
}

/** What {@link branchOf} returns, seen from inside. */
export class ControllerBranchRef {
  constructor(
    readonly controller: Type,
    readonly method: string,
    readonly at: string | undefined,
  ) {}
}

/**
 * Names a branch by its controller and method instead of by URL, with the types of the handler's payload (its first
 * parameter) and result. {@link DtmService} finds the URLs when the branch is added or called.
 *
 * @param controller - a controller of this application
 * @param method - a method with `@SagaBranch` or `@TccAction`
 * @param options - where else the controller is deployed
 * @throws DtmConfigError when `at` is not a base URL
 */
export function branchOf<C extends object, K extends MethodName<C>>(
  controller: Type<C>,
  method: K,
  options: BranchOfOptions = {},
): BranchRef<HandlerPayload<C[K]>, HandlerResult<C[K]>> {
  if (typeof controller !== 'function') {
    throw new DtmConfigError(
      `branchOf(${String(controller)}, '${method}'): the controller is not a class; a circular import may have left it undefined`,
    );
  }
  const at =
    options.at === undefined ? undefined : checkBaseUrl(`branchOf(${controller.name}, '${method}'): at`, options.at);
  return new ControllerBranchRef(controller, method, at) as BranchRef<HandlerPayload<C[K]>, HandlerResult<C[K]>>;
}
