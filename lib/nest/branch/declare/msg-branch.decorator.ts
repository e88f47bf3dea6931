import { defineBranch, type BranchRouteOptions } from './define-branch.js';
import { parseDecoratorOptions } from './parse-decorator-options.js';

/**
 * Makes a controller method a branch that takes messages: an endpoint at `/<controller>/<method name>`, for POST, GET
 * and gRPC. dtm calls the method until it succeeds. The method cannot refuse a message, because dtm calls it again
 * after any error.
 *
 * @param options - where callers find the method
 * @throws DtmConfigError at class definition when the method serves another operation
 *
 * @example
 * \@MsgBranch()
 * async transIn(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function MsgBranch(options: BranchRouteOptions = {}) {
  const route = parseDecoratorOptions('@MsgBranch', options, '@MsgBranch()');
  return <C extends object, K extends keyof C>(
    target: C,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => defineBranch(target, method, route, { transType: 'msg', op: 'action', companions: {} }, descriptor);
}
