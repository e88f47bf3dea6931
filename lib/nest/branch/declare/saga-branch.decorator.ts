import { defineBranch, type BranchRouteOptions } from './define-branch.js';
import type { WithCompanions } from '../definition/handler-types.js';

/** Options of {@link SagaBranch}; path and rpc are those of the action, the compensation's are its method name. */
export interface SagaBranchOptions<N extends string | false = string | false> extends BranchRouteOptions {
  /** Method of the same class that undoes this one; `false` says on purpose that there is nothing to undo. */
  readonly compensate: N;
}

/**
 * Makes a controller method the action of a saga branch, and the method named in `compensate` its compensation: both become
 * endpoints that answer POST and GET at `/<controller>/<method name>`, and gRPC. The compiler checks that the compensation exists and
 * takes the same payload.
 *
 * @param options - compensation and path
 * @throws DtmConfigError at class definition when the compensation is missing or serves another branch
 *
 * @example
 * \@SagaBranch({ compensate: 'undoTransOut' })
 * async transOut(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 * async undoTransOut(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function SagaBranch<const N extends string | false>(options: SagaBranchOptions<N>) {
  const { compensate, ...address } = options;
  const { service } = address;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, Extract<N, string>>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    defineBranch(target, method, address, { transType: 'saga', op: 'action', companions: { compensate } }, descriptor);
    if (compensate !== false) {
      defineBranch(target, compensate, { service }, { transType: 'saga', op: 'compensate', companionOf: method });
    }
  };
}
