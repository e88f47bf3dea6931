import type { Address } from '../address.js';

/** A target of gRPC, `scheme://authority/path`, as gRPC takes it apart. */
export interface GrpcTarget {
  /** As it was written. */
  readonly scheme: string;
  /** Empty when there is none, as in `scheme:///path`. */
  readonly authority: string;
  /** Without its first slash, with its query. Empty when there is none, as in `scheme://authority`. */
  readonly path: string;
}

/** What an {@link AddressSource} reports to. */
export interface AddressListener {
  /**
   * Who serves the target now; what was reported before is replaced.
   *
   * @param addresses - all of them; empty when nobody serves it at present
   */
  found(addresses: readonly Address[]): void;
  /**
   * The addresses could not be found out. Those that were found before stay in use.
   *
   * @param reason - for the error of the calls that fail without any
   */
  failed(reason: string): void;
}

/** Knows the addresses behind the targets of a scheme, and hears when they change. */
export interface AddressSource {
  /**
   * Looks at a target before anything is asked for.
   *
   * @param target - from the user
   * @throws DtmArgumentError when it can never have addresses, saying what it should look like
   */
  check(target: GrpcTarget): void;
  /**
   * Reports the addresses of a target, and again each time they change, until it is stopped. May report before it returns.
   * What goes wrong it reports, and tries again by itself; its timers and sockets do not keep the process alive.
   *
   * @param target - one that passed the check
   * @param listener - is told
   * @returns stops it
   */
  watch(target: GrpcTarget, listener: AddressListener): () => void;
}
