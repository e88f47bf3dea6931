import type { Type } from '@nestjs/common';
import type { BranchRef } from '../../../client/index.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { checkBaseUrl, checkGrpcServer } from '../../options/dtm.options.js';
import type { HandlerPayload, HandlerResult, MethodName } from '../definition/handler-types.js';

/** Options of {@link branchOf}. */
export interface BranchOfOptions {
  /**
   * Where another deployment of the same controller is: its base URL, e.g. `http://bank2:3000`, or for gRPC its address,
   * `bank2:50051` or what the driver understands, e.g. `etcd://etcd:2379/bank2`. Paths and names are those of this application.
   *
   * @default this application
   */
  readonly at?: string | undefined;
  /** Over what this application is called. @default 'http' when it has an HTTP server, otherwise 'grpc' */
  readonly over?: 'http' | 'grpc' | undefined;
}

/** What {@link branchOf} returns, seen from inside. */
export class ControllerBranchRef {
  constructor(
    readonly controller: Type,
    readonly method: string,
    readonly at: string | undefined,
    readonly over: 'http' | 'grpc' | undefined,
  ) {}
}

/**
 * Names a branch by its controller and method instead of by URL, with the types of the handler's payload (its first
 * parameter) and result. `DtmService` finds the URLs when the branch is added or called.
 *
 * @param controller - a controller of this application
 * @param method - a method with `@SagaBranch`, `@TccAction`, `@MsgBranch` or `@XaBranch`
 * @param options - where else the controller is deployed
 * @throws DtmConfigError when `at` is neither a base URL nor an address of gRPC
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
  const where = `branchOf(${controller.name}, '${method}')`;
  const { at, over } = options;
  if (over !== undefined && over !== 'http' && over !== 'grpc') {
    throw new DtmConfigError(`${where}: over must be 'http' or 'grpc', not ${JSON.stringify(over)}`);
  }
  const address =
    at === undefined || !isHttpUrl(at) ? at && checkGrpcServer(`${where}: at`, at) : checkBaseUrl(`${where}: at`, at);
  return new ControllerBranchRef(controller, method, address, over) as BranchRef<
    HandlerPayload<C[K]>,
    HandlerResult<C[K]>
  >;
}
