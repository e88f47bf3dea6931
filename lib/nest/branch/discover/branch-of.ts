import { Injectable, type Type } from '@nestjs/common';
import type { BranchRef } from '../../../client/index.js';
import { DtmConfigError, isHttpUrl } from '../../../protocol/internal.js';
import { shareClass } from '../../../support/share-class.js';
import { parseBaseUrl, parseGrpcAddress } from '../../options/parse-addresses.js';
import type { BranchRoute } from '../../options/dtm.options.js';
import { parseRoute } from '../../options/parse-route.js';
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
  /**
   * How the branch is called; `in-process`, without a socket, needs an embedded coordinator.
   *
   * @default `endpoint.over` of `DtmModule`
   */
  readonly over?: BranchRoute | undefined;
}

/** The reference that {@link branchOf} returns. */
@shareClass('ControllerBranchRef', Injectable)
export class ControllerBranchRef {
  readonly #controller: Type | (() => Type);

  constructor(
    controller: Type | (() => Type),
    readonly method: string,
    readonly at: string | undefined,
    readonly over: BranchRoute | undefined,
  ) {
    this.#controller = controller;
  }

  /** @throws DtmConfigError when a function returned no class */
  get controller(): Type {
    if (!isThunk(this.#controller)) return this.#controller;
    const controller: unknown = this.#controller();
    if (typeof controller === 'function') return controller as Type;
    throw new DtmConfigError(
      `branchOf(() => ${String(controller)}, '${this.method}'): the function returns no class; call branchOf where the class is defined already`,
    );
  }
}

/**
 * References a branch by its controller and method instead of by URL, with the types of the handler's payload (its first
 * parameter) and result. `DtmService` finds the URLs when the branch is added or called.
 *
 * @param controller - a controller of this application, or a function that returns it: two files may import each other then
 * @param method - a method with `@SagaBranch`, `@TccAction`, `@MsgBranch` or `@XaBranch`
 * @param options - another deployment, or the transport
 * @throws DtmConfigError when `at` is neither a base URL nor a gRPC address
 */
export function branchOf<C extends object, K extends MethodName<C>>(
  controller: Type<C> | (() => Type<C>),
  method: K,
  options: BranchOfOptions = {},
): BranchRef<HandlerPayload<C[K]>, HandlerResult<C[K]>> {
  if (typeof controller !== 'function') {
    throw new DtmConfigError(
      `branchOf(${String(controller)}, '${method}'): the controller is not a class; when a circular import leaves it undefined, write branchOf(() => …, '${method}')`,
    );
  }
  const where = `branchOf(${isThunk(controller) ? '() => …' : controller.name}, '${method}')`;
  const { at } = options;
  const over = parseRoute(`${where}: over`, options.over);
  if (at !== undefined && over === 'in-process') {
    throw new DtmConfigError(`${where}: over is 'in-process', but at names another process; leave one of them out`);
  }
  return new ControllerBranchRef(controller, method, parseAddress(`${where}: at`, at), over) as BranchRef<
    HandlerPayload<C[K]>,
    HandlerResult<C[K]>
  >;
}

/** An arrow function has no prototype; a class has one. */
function isThunk<C>(controller: Type<C> | (() => Type<C>)): controller is () => Type<C> {
  return controller.prototype === undefined;
}

function parseAddress(option: string, at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  return isHttpUrl(at) ? parseBaseUrl(option, at) : parseGrpcAddress(option, at);
}
