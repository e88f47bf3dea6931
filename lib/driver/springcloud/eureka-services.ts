import type { AddressListener, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { PreparedService } from '../driver.js';
import type { EurekaEntry, EurekaInstance } from '../support/registry/eureka/eureka-instance.js';
import { eurekaMembers, type EurekaOptions } from '../support/registry/eureka/eureka-options.js';
import { EurekaRegistry } from '../support/registry/eureka/eureka-registry.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import type { NamedUrl } from './named-url.js';
import type { SpringServices } from './spring-services.js';

/** Services as Spring Cloud Netflix keeps them in Eureka. */
export class EurekaServices implements SpringServices {
  readonly registry: string;
  readonly isKnownToGo = false;
  readonly #registries: SharedRegistries<EurekaInstance, string, EurekaEntry>;

  /**
   * @param serviceUrls - of Eureka's servers
   * @param options - see {@link EurekaOptions}
   * @throws DtmConfigError when a URL is none
   */
  constructor(serviceUrls: readonly string[], options: EurekaOptions) {
    const members = eurekaMembers(serviceUrls, options);
    this.registry = `eureka at ${members.map(({ url }) => url).join()}`;
    this.#registries = new SharedRegistries(() => new EurekaRegistry(serviceUrls, options));
  }

  targetOf({ service }: NamedUrl): GrpcTarget {
    // found in any case, and watched once
    return { scheme: 'eureka', authority: '', path: service.toLowerCase() };
  }

  check(): void {
    // done by whoever made the target
  }

  watch({ path }: GrpcTarget, listener: AddressListener): () => void {
    return this.#registries.watch(this.registry, path, {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(entries.map(({ address }) => address)),
    });
  }

  /**
   * Prepares the registration of an instance.
   *
   * @param instance - which one
   */
  prepareService(instance: EurekaInstance): PreparedService {
    return { register: (options) => this.#registries.register(this.registry, instance, options) };
  }
}
