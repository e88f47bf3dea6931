import type { WithCompanions } from '../definition/handler-types.js';
import { branchName, defineBranch, type BranchRouteOptions } from './define-branch.js';
import { parseCompanion, parseDecoratorOptions } from './parse-decorator-options.js';

const EXAMPLE = "@SagaBranch({ compensate: 'undoTransOut' })";

/**
 * Options of {@link SagaBranch}. `path` and `rpc` are those of the action; the compensation's are its method name.
 *
 * @typeParam N - name of the compensation, or false
 */
export interface SagaBranchOptions<N extends string | false = string | false> extends BranchRouteOptions {
  /** Method of the same class that undoes the action; `false` when there is nothing to undo. */
  readonly compensate: N;
  /**
   * Name of the database in the option `databases` of `DtmModule` in whose barrier the action works. Then a compensation whose payload a pipe
   * refuses is a success when the barrier shows that the action never ran. Set this only when the action makes all its changes in exactly one
   * `call` or `join` of this barrier.
   *
   * @default none: the transaction needs attention, unless the coordinator knows that the action never ran
   */
  readonly barrier?: string | undefined;
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
  const { compensate: given, barrier, ...route } = parseDecoratorOptions('@SagaBranch', options, EXAMPLE);
  const { service } = route;
  return <C extends object, K extends keyof C>(
    target: C & WithCompanions<C, K, Extract<N, string>>,
    method: K & string,
    descriptor: TypedPropertyDescriptor<C[K]>,
  ): void => {
    const remedy = `name the method that undoes the action, ${EXAMPLE}, or write compensate: false when there is nothing to undo`;
    const compensate = parseCompanion<string | false>(branchName(target, method), 'compensate', given, remedy);
    defineBranch(target, method, route, { transType: 'saga', op: 'action', companions: { compensate } }, descriptor);
    if (compensate !== false) {
      const purpose = { transType: 'saga', op: 'compensate', companionOf: method, barrier } as const;
      defineBranch(target, compensate, { service }, purpose);
    }
  };
}
