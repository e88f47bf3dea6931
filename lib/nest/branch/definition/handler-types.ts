import type { Observable } from 'rxjs';
import type { BranchBarrier } from '../../../barrier/index.js';
import type { BranchContext } from '../../../protocol/internal.js';
import type { XaParticipant } from '../../../xa/index.js';

/** Any method. */
export type Handler = (...args: never[]) => unknown;

/** Names of the public methods of a class. */
export type MethodName<C> = { [K in keyof C]: C[K] extends Handler ? K : never }[keyof C] & string;

/**
 * Payload of a handler: the type of its first parameter, `undefined` when it has none, or when the first is already
 * `@Branch()`, `@Barrier()` or `@Xa()`.
 */
export type HandlerPayload<H> = H extends (...args: infer A) => unknown
  ? A extends []
    ? undefined
    : PayloadType<A[0]>
  : never;

type PayloadType<T> = 0 extends 1 & T
  ? T
  : [T] extends [BranchContext | BranchBarrier | XaParticipant<unknown>]
    ? undefined
    : T;

/** Result of a handler as the caller of a TCC try gets it. */
export type HandlerResult<H> = H extends (...args: never[]) => infer R ? ResultType<Awaited<R>> : never;

type ResultType<R> = R extends Observable<infer V> ? V : R extends void ? undefined : R;

/**
 * What a class must look like for the method `K` to have the companions `N`: each of them a public method of the class that
 * takes the payload of `K`, or none.
 */
export type WithCompanions<C, K extends keyof C, N extends string> = {
  readonly [M in N]: M extends keyof C ? CompanionType<C[M], HandlerPayload<C[K]>> : Handler;
};

type CompanionType<H, P> = H extends Handler
  ? 0 extends 1 & HandlerPayload<H>
    ? H
    : [HandlerPayload<H>] extends [undefined]
      ? H
      : [P] extends [HandlerPayload<H>]
        ? H
        : (payload: P, ...others: never[]) => unknown
  : Handler;
