import type { PreparedService } from '../driver.js';
import type { AddressSource } from '../support/lookup/grpc-resolver/address-source.js';

/** A registry, as ego uses it. */
export interface EgoRegistry extends AddressSource {
  /** Scheme under which its services are called. */
  readonly scheme: 'etcd' | 'k8s';
  /** Names it in messages, without secrets. */
  readonly url: string;
  /**
   * Checks what a target registers.
   *
   * @param service - the part of the target after the registry
   * @param endpoint - where others reach the service
   * @throws DtmConfigError when one of them can never be used
   */
  prepareService(service: string, endpoint: string): PreparedService;
}
