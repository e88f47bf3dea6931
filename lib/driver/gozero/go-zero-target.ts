import type { HostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import type { AddressSource } from '../support/lookup/address-source.js';
import type { RegistryUrl } from '../support/registry/registry-url.js';

/** Registration that a target and an endpoint describe. */
export interface GoZeroTarget {
  /** The target: the registry and its options. */
  readonly url: RegistryUrl;
  /** Name of the service in the target. */
  readonly service: string;
  /** The endpoint. */
  readonly address: HostPort;
}

/** A kind of registry as go-zero uses it: services are found and registered. */
export interface GoZeroRegistry extends AddressSource {
  /** @throws DtmArgumentError when an option of the target cannot be used */
  prepareService(target: GoZeroTarget): PreparedService;
}
