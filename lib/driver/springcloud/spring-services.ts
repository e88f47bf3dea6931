import type { WatchAddresses } from '../support/lookup/address-source.js';
import type { NamedUrl } from './named-url.js';

/** A service to look up. */
export interface ServiceLookup {
  /** Identifies what is watched, and names it in errors. */
  readonly name: string;
  /** Watches the addresses of the service. */
  readonly watch: WatchAddresses;
}

/** The services in a registry of Spring Cloud. */
export interface SpringServices {
  /** Names the registry, its namespace and the user; without a password. */
  readonly registry: string;
  /** Whether Go dtm can look services up in it. */
  readonly isKnownToGo: boolean;
  /** Looks up the service in a URL. */
  lookup(url: NamedUrl): ServiceLookup;
}
