import type { WithCompanions } from '../definition/handler-types.js';
import { defineBranch, type BranchRouteOptions } from './define-branch.js';

/**
 * Options of {@link SagaBranch}. `path` and `rpc` are those of the action; the compensation's are its method name.
 *
 * @typeParam N - name of the compensation, or false
 */
export interface SagaBranchOptions<N extends string | false = string | false> extends BranchRouteOptions {
  /** Method of the same class that undoes the action; `false` when there is nothing to undo. */
  readonly compensate: N;
}

/**
 * Makes a controller method the action of a saga branch, and the method named in `compensate` its compensation. Both become
 * endpoints at `/<controller>/<method name>`, for POST, GET and gRPC. The compiler checks that the compensation exists and
 * takes the same payload.
 *
 * @param options - the compensation, and where callers find the action
 * @throws DtmConfigError at class definition when the compensation is missing or serves another operation
 *
 * @example
 * \@SagaBranch({ compensate: 'undoTransOut' })
 * async transOut(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 * async undoTransOut(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function SagaBranch<const N extends string | false>(options: SagaBranchOptions<N>) {
  const { compensate, ...route } = options;
  const { service } = route;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, Extract<N, string>>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    defineBranch(target, method, route, { transType: 'saga', op: 'action', companions: { compensate } }, descriptor);
    if (compensate !== false) {
      defineBranch(target, compensate, { service }, { transType: 'saga', op: 'compensate', companionOf: method });
    }
  };
}
