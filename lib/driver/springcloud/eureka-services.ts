import type { PreparedService } from '../driver.js';
import { addressListener } from '../support/base/address-listener.js';
import type { EurekaEntry, EurekaInstance } from '../support/registry/eureka/eureka-instance.js';
import { parseEurekaUrls, type EurekaOptions } from '../support/registry/eureka/eureka-options.js';
import { EurekaRegistry } from '../support/registry/eureka/eureka-registry.js';
import type { RegistryMember } from '../support/registry/registry-http-client.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import type { NamedUrl } from './named-url.js';
import type { ServiceLookup, SpringServices } from './spring-services.js';

/** Services of Spring Cloud Netflix in Eureka. */
export class EurekaServices implements SpringServices {
  readonly registry: string;
  readonly isKnownToGo = false;
  readonly #members: readonly RegistryMember[];
  readonly #registries: SharedRegistries<readonly RegistryMember[], EurekaInstance, string, EurekaEntry>;

  /**
   * @param serviceUrls - URLs of Eureka's servers
   * @throws DtmConfigError for an invalid URL
   */
  constructor(serviceUrls: readonly string[], options: EurekaOptions) {
    this.#members = parseEurekaUrls(serviceUrls, options);
    this.registry = `eureka at ${this.#members.map(({ url }) => url).join()}`;
    this.#registries = new SharedRegistries((members) => new EurekaRegistry(members, options));
  }

  lookup({ service }: NamedUrl): ServiceLookup {
    // Eureka ignores the case, and one watch is enough
    const name = service.toLowerCase();
    return {
      name,
      watch: (listener) =>
        this.#registries.watch(
          this.#members,
          name,
          addressListener(listener, (entries) => entries.map(({ address }) => address)),
        ),
    };
  }

  prepareService(instance: EurekaInstance): PreparedService {
    return { register: (options) => this.#registries.register(this.#members, instance, options) };
  }
}
