import type { Type } from '@nestjs/common';
import type { BranchRef } from '../../../client/index.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { parseBaseUrl, parseGrpcAddress } from '../../options/parse-addresses.js';
import type { HandlerPayload, HandlerResult, MethodName } from '../definition/handler-types.js';

/** Options of {@link branchOf}. */
export interface BranchOfOptions {
  /**
   * Address of another deployment of the same controller: its base URL, e.g. `http://bank2:3000`, or for gRPC `bank2:50051`
   * or a URL of the driver, e.g. `etcd://etcd:2379/bank2`. Paths and names are those of this application.
   *
   * @default this application
   */
  readonly at?: string | undefined;
  /** Transport to this application. @default 'http' when the application has an HTTP server, otherwise 'grpc' */
  readonly over?: 'http' | 'grpc' | undefined;
}

/** The reference that {@link branchOf} returns. */
export class ControllerBranchRef {
  constructor(
    readonly controller: Type,
    readonly method: string,
    readonly at: string | undefined,
    readonly over: 'http' | 'grpc' | undefined,
  ) {}
}

/**
 * References a branch by its controller and method instead of by URL, with the types of the handler's payload (its first
 * parameter) and result. `DtmService` finds the URLs when the branch is added or called.
 *
 * @param controller - a controller of this application
 * @param method - a method with `@SagaBranch`, `@TccAction`, `@MsgBranch` or `@XaBranch`
 * @param options - another deployment, or the transport
 * @throws DtmConfigError when `at` is neither a base URL nor a gRPC address
 */
export function branchOf<C extends object, K extends MethodName<C>>(
  controller: Type<C>,
  method: K,
  options: BranchOfOptions = {},
): BranchRef<HandlerPayload<C[K]>, HandlerResult<C[K]>> {
  if (typeof controller !== 'function') {
    throw new DtmConfigError(
      `branchOf(${String(controller)}, '${method}'): the controller is not a class; look for a circular import that leaves it undefined`,
    );
  }
  const where = `branchOf(${controller.name}, '${method}')`;
  const { at, over } = options;
  if (over !== undefined && over !== 'http' && over !== 'grpc') {
    throw new DtmConfigError(`${where}: over must be 'http' or 'grpc', not ${JSON.stringify(over)}`);
  }
  return new ControllerBranchRef(controller, method, parseAddress(`${where}: at`, at), over) as BranchRef<
    HandlerPayload<C[K]>,
    HandlerResult<C[K]>
  >;
}

function parseAddress(option: string, at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  return isHttpUrl(at) ? parseBaseUrl(option, at) : parseGrpcAddress(option, at);
}
