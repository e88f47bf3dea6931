import type { WithCompanions } from '../definition/handler-types.js';
import { branchName, defineBranch, type BranchRouteOptions } from './define-branch.js';
import { parseCompanion, parseDecoratorOptions } from './parse-decorator-options.js';

const EXAMPLE = "@TccAction({ confirm: 'confirmFreeze', cancel: 'unfreeze' })";

/**
 * Options of {@link TccAction}. `path` and `rpc` are those of the try; those of confirm and cancel are their method names.
 *
 * @typeParam N - name of the confirm
 * @typeParam M - name of the cancel
 */
export interface TccActionOptions<N extends string = string, M extends string = string> extends BranchRouteOptions {
  /** Method of the same class that makes the reservation final. */
  readonly confirm: N;
  /** Method of the same class that releases the reservation. */
  readonly cancel: M;
  /**
   * Name of the database in the option `databases` of `DtmModule` in whose barrier the try works. Then a cancel whose payload a pipe
   * refuses is a success when the barrier shows that the try never ran. Set this only when the try makes all its changes in exactly one
   * `call` or `join` of this barrier.
   *
   * @default none: the transaction needs attention, unless the coordinator knows that the try never ran
   */
  readonly barrier?: string | undefined;
}

/**
 * Makes a controller method the try of a TCC branch, and the methods named in `confirm` and `cancel` its second phase. All
 * three become endpoints at `/<controller>/<method name>`, for POST, GET and gRPC. The compiler checks that the companions
 * exist and take the same payload.
 *
 * @param options - the companions, and where callers find the try
 * @throws DtmConfigError at class definition when a companion is missing or serves another operation
 *
 * @example
 * \@TccAction({ confirm: 'confirmFreeze', cancel: 'unfreeze' })
 * async freeze(@BranchPayload() transfer: TransferDto, @Barrier() barrier: BranchBarrier) { … }
 */
export function TccAction<const N extends string, const M extends string>(options: TccActionOptions<N, M>) {
  const given = parseDecoratorOptions('@TccAction', options, EXAMPLE);
  const { confirm: _confirm, cancel: _cancel, barrier, ...route } = given;
  const { service } = route;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, N | M>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    const parse = (option: 'confirm' | 'cancel', what: string): string =>
      parseCompanion(branchName(target, method), option, given[option], `name the method that ${what}, ${EXAMPLE}`);
    const confirm = parse('confirm', 'makes the reservation final');
    const cancel = parse('cancel', 'releases the reservation');
    defineBranch(target, method, route, { transType: 'tcc', op: 'try', companions: { confirm, cancel } }, descriptor);
    defineBranch(target, confirm, { service }, { transType: 'tcc', op: 'confirm', companionOf: method });
    defineBranch(target, cancel, { service }, { transType: 'tcc', op: 'cancel', companionOf: method, barrier });
  };
}
