/** URLs of a TCC branch. */
export interface TccUrls {
  /** Called by the initiator: reserves. */
  readonly try: string;
  /** Called by the coordinator: makes the reservation final. */
  readonly confirm: string;
  /** Called by the coordinator: releases the reservation. */
  readonly cancel: string;
}

/**
 * Reference to a branch by its handler instead of its URL, with the types of payload and result. In Nest, `branchOf`
 * creates it.
 *
 * @typeParam P - payload
 * @typeParam R - result of a TCC try, or of the first phase of XA
 */
export interface BranchRef<P = unknown, R = unknown> {
  /** Carries the types; never present at run time. */
  readonly '~types'?: { readonly payload: P; readonly result: R };
}

/** The payload as an argument, which is optional where the branch takes none. */
export type PayloadArgument<P> = undefined extends P ? [payload?: P] : [payload: P];
