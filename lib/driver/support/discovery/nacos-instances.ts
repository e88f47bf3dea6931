import { formatHostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { AddressListener } from '../lookup/grpc-resolver/address-source.js';
import type { NacosEntry, NacosInstance, NacosService } from '../registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../registry/nacos/nacos-options.js';
import { NacosRegistry } from '../registry/nacos/nacos-registry.js';
import type { RegistryUrl } from '../registry/registry-url.js';
import { SharedRegistries } from '../registry/shared-registries.js';
import type { InstanceRegistry } from './instance-registry.js';
import type { InstanceEndpoints, ServiceInstance } from './service-instance.js';

/** As sponge's. */
const WEIGHT = 100;

/** Services in Nacos as sponge keeps them: each endpoint is an instance of `<service>.<scheme>`, with its kind as metadata. */
export class NacosInstances implements InstanceRegistry {
  readonly #place: string;
  readonly #registries: SharedRegistries<NacosInstance, NacosService, NacosEntry>;

  /**
   * @param url - of Nacos
   * @param options - how it is reached, beside what the URL says
   */
  constructor(url: RegistryUrl, options: NacosOptions = {}) {
    const { hosts, query } = url;
    this.#place = hosts.map(formatHostPort).join();
    const user = query.get('username') ?? url.user;
    const password = query.get('password') ?? url.password;
    const namespace = namespaceIn(query) ?? options.namespace;
    const credentials = user === undefined ? {} : { user, password };
    this.#registries = new SharedRegistries(() => new NacosRegistry(hosts, { ...options, ...credentials, namespace }));
  }

  register(
    { id, name, version }: ServiceInstance,
    [endpoint]: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const { scheme, host, port } = endpoint;
    const instance: NacosInstance = {
      service: `${name}.${scheme}`,
      address: { host, port },
      cluster: 'DEFAULT',
      weight: WEIGHT,
      metadata: { id, kind: scheme, version },
    };
    return this.#registries.register(this.#place, instance, options);
  }

  watch(service: string, listener: AddressListener): () => void {
    return this.#registries.watch(
      this.#place,
      { service },
      {
        failed: (reason) => listener.failed(reason),
        found: (entries) =>
          listener.found(
            entries.flatMap(({ address, metadata: { kind = 'grpc' } = {} }) => (kind === 'grpc' ? address : [])),
          ),
      },
    );
  }
}

/**
 * The namespace of Nacos that a URL names.
 *
 * @param query - of the URL
 */
export function namespaceIn(query: URLSearchParams): string | undefined {
  return query.get('namespaceID') ?? undefined;
}
