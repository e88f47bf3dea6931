import type { PreparedService } from '../driver.js';
import type { AddressSource } from '../support/lookup/address-source.js';

/** A registry as ego uses it. */
export interface EgoRegistry extends AddressSource {
  /** The scheme of the URLs of its services. */
  readonly scheme: 'etcd' | 'k8s';
  /** Names the registry in messages, without secrets. */
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
