import { defineBranch } from './define-branch.js';
import type { WithCompanions } from './handler-types.js';

/** Options of {@link TccAction}. */
export interface TccActionOptions<N extends string = string, M extends string = string> {
  /** Method of the same class that makes the reservation final. */
  readonly confirm: N;
  /** Method of the same class that takes the reservation back. */
  readonly cancel: M;
  /** Path of the try below the controller's; those of the other two are always their method names. @default the method name */
  readonly path?: string | undefined;
}

/**
 * Makes a controller method the try of a TCC branch, and the methods named in `confirm` and `cancel` its second phase: all
 * three become endpoints that answer POST and GET, at `/<controller>/<method name>`. The compiler checks that the companions
 * exist and take the same payload.
 *
 * @param options - companions and path
 * @throws DtmConfigError at class definition when a companion is missing or serves another operation
 *
 * @example
 * \@TccAction({ confirm: 'confirmFreeze', cancel: 'unfreeze' })
 * async freeze(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function TccAction<const N extends string, const M extends string>(options: TccActionOptions<N, M>) {
  const { confirm, cancel, path } = options;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, N | M>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    defineBranch(
      target,
      method,
      path ?? method,
      { transType: 'tcc', op: 'try', companions: { confirm, cancel } },
      descriptor,
    );
    defineBranch(target, confirm, confirm, { transType: 'tcc', op: 'confirm', companionOf: method });
    defineBranch(target, cancel, cancel, { transType: 'tcc', op: 'cancel', companionOf: method });
  };
}
