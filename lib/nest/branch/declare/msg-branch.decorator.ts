import { defineBranch, type BranchRouteOptions } from './define-branch.js';

/**
 * Makes a controller method a branch that takes messages: an endpoint that answers POST and GET at
 * `/<controller>/<method name>`, and gRPC. It is called until it succeeds, so it cannot refuse: after an error, dtm
 * calls it again.
 *
 * @param options - where it is found
 * @throws DtmConfigError at class definition when the method serves another branch
 *
 * @example
 * \@MsgBranch()
 * async transIn(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function MsgBranch(options: BranchRouteOptions = {}) {
  return <C extends object, K extends keyof C>(
    target: C,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => defineBranch(target, method, options, { transType: 'msg', op: 'action', companions: {} }, descriptor);
}
