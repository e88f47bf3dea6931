import type { Observable } from 'rxjs';
import type { BranchBarrier } from '../../../barrier/index.js';
import type { BranchContext } from '../../../protocol/internal.js';
import type { XaParticipant } from '../../../xa/index.js';
import type { PayloadInput } from './payload-of.js';

/** Any method of a controller. */
export type BranchHandler = (...args: never[]) => unknown;

/** Names of the public methods of a class. */
export type MethodName<C> = { [K in keyof C]: C[K] extends BranchHandler ? K : never }[keyof C] & string;

/**
 * Payload that callers send to a handler: the type of its first parameter, or the input of the schema when that type is a
 * `PayloadOf`. It is `undefined` when the handler has no parameter, and when the first one is already `@Branch()`, `@Barrier()` or
 * `@Xa()`.
 */
export type HandlerPayload<H> = H extends (...args: infer A) => unknown
  ? A extends []
    ? undefined
    : 0 extends 1 & A[0]
      ? A[0]
      : [A[0]] extends [BranchContext | BranchBarrier | XaParticipant<unknown>]
        ? undefined
        : PayloadInput<A[0]>
  : never;

/** Result of a handler as the initiator gets it: resolved, and the last value of an observable. */
export type HandlerResult<H> = H extends (...args: never[]) => infer R
  ? Awaited<R> extends infer T
    ? T extends Observable<infer V>
      ? V
      : T extends void
        ? undefined
        : T
    : never
  : never;

/**
 * A class whose method `K` may have the companions `N`: each is a public method of the class that takes the payload of `K`,
 * or none.
 */
export type WithCompanions<C, K extends keyof C, N extends string> = {
  readonly [M in N]: M extends keyof C
    ? C[M] extends BranchHandler
      ? 0 extends 1 & HandlerPayload<C[M]>
        ? C[M]
        : [HandlerPayload<C[M]>] extends [undefined]
          ? C[M]
          : [HandlerPayload<C[K]>] extends [HandlerPayload<C[M]>]
            ? C[M]
            : (payload: HandlerPayload<C[K]>, ...others: never[]) => unknown
      : BranchHandler
    : BranchHandler;
};
