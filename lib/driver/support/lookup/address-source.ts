import type { ServiceAddress } from '../tools/service-address.js';

/** A target of gRPC, `scheme://authority/path`, as gRPC splits it. */
export interface GrpcTarget {
  /** The scheme as it was written. */
  readonly scheme: string;
  /** The authority; empty in `scheme:///path`. */
  readonly authority: string;
  /** The path without its first slash, with its query; empty in `scheme://authority`. */
  readonly path: string;
}

/** Receives the addresses of one target. */
export interface AddressListener {
  /**
   * Receives the current addresses, which replace all earlier ones.
   *
   * @param addresses - all addresses; empty when no instance is registered
   */
  found(addresses: readonly ServiceAddress[]): void;
  /**
   * Receives the reason why the addresses cannot be looked up at present. Earlier addresses stay in use.
   *
   * @param reason - becomes part of the error of calls that have no address
   */
  failed(reason: string): void;
}

/**
 * Reports the addresses of one target, and again after each change, until the returned function is called. A failure is
 * reported and retried. Timers and sockets must not keep the process alive.
 *
 * @param listener - receives the addresses; it may be called before the function returns
 * @returns stops the reports
 */
export type WatchAddresses = (listener: AddressListener) => () => void;

/** Finds the addresses behind the targets of a scheme. */
export interface AddressSource {
  /**
   * Parses a target. Nothing is looked up until the result is called.
   *
   * @param target - the target of a channel
   * @returns watches the addresses of the target
   * @throws DtmArgumentError with the expected format when the target can never have addresses
   */
  parse(target: GrpcTarget): WatchAddresses;
}
