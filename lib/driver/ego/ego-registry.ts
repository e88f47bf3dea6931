import type { DriverRegistration, RegisterOptions } from '../driver.js';
import type { AddressSource } from '../support/lookup/grpc-resolver/address-source.js';

/** A registry, as ego uses it. */
export interface EgoRegistry extends AddressSource {
  /** Scheme under which its services are called. */
  readonly scheme: 'etcd' | 'k8s';
  /** Names it in messages, without secrets. */
  readonly url: string;
  /**
   * Checks an instance before it is entered.
   *
   * @param target - what follows the registry in the target
   * @param endpoint - where the service is reached
   * @returns enters it
   * @throws DtmConfigError when it cannot be
   */
  registering(target: string, endpoint: string): (options?: RegisterOptions) => Promise<DriverRegistration>;
}
