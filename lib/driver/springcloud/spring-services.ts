import type { AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { NamedUrl } from './named-url.js';

/** Services in the registry of a Spring Cloud. */
export interface SpringServices extends AddressSource {
  /** Names it: which registry, which part of it, and as whom; without a password. */
  readonly registry: string;
  /** Whether Go dtm can look names up in it. */
  readonly isKnownToGo: boolean;
  /**
   * How it is asked for a name.
   *
   * @param named - checked already
   */
  targetOf(named: NamedUrl): GrpcTarget;
}
