import { defineBranch } from './define-branch.js';
import type { WithCompanions } from './handler-types.js';

/** Options of {@link SagaBranch}. */
export interface SagaBranchOptions<N extends string | false = string | false> {
  /** Method of the same class that undoes this one; `false` says on purpose that there is nothing to undo. */
  readonly compensate: N;
  /** Path of the action below the controller's; the compensation's is always its method name. @default the method name */
  readonly path?: string | undefined;
}

/**
 * Makes a controller method the action of a saga branch, and the method named in `compensate` its compensation: both become
 * endpoints that answer POST and GET, at `/<controller>/<method name>`. The compiler checks that the compensation exists and
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
  const { compensate, path } = options;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, Extract<N, string>>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    defineBranch(
      target,
      method,
      path ?? method,
      { transType: 'saga', op: 'action', companions: { compensate } },
      descriptor,
    );
    if (compensate !== false) {
      defineBranch(target, compensate, compensate, { transType: 'saga', op: 'compensate', companionOf: method });
    }
  };
}
