import type { HostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import { addressListener } from '../base/address-listener.js';
import type { WatchAddresses } from '../lookup/address-source.js';
import type { NacosEntry, NacosInstance, NacosService } from '../registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../registry/nacos/nacos-options.js';
import { NacosRegistry } from '../registry/nacos/nacos-registry.js';
import type { RegistryUrl } from '../registry/registry-url.js';
import { SharedRegistries } from '../registry/shared-registries.js';
import type { InstanceRegistry } from './instance-registry.js';
import type { InstanceEndpoints, ServiceInstance } from './service-instance.js';

/** Weight of an instance; sponge's own. */
const WEIGHT = 100;

/** Services of sponge in Nacos: an endpoint is an instance of `<service>.<scheme>`, with its scheme as metadata. */
export class NacosInstances implements InstanceRegistry {
  readonly #hosts: readonly HostPort[];
  readonly #registries: SharedRegistries<readonly HostPort[], NacosInstance, NacosService, NacosEntry>;

  /**
   * @param url - the URL of Nacos
   * @param options - how Nacos is reached, unless the URL says otherwise
   */
  constructor(url: RegistryUrl, options: NacosOptions = {}) {
    const { hosts, query } = url;
    this.#hosts = hosts;
    const user = query.get('username') ?? url.user;
    const password = query.get('password') ?? url.password;
    const namespace = namespaceIn(query) ?? options.namespace;
    const credentials = user === undefined ? {} : { user, password };
    this.#registries = new SharedRegistries((at) => new NacosRegistry(at, { ...options, ...credentials, namespace }));
  }

  register(
    { id, name, version }: ServiceInstance,
    [{ scheme, host, port }]: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const instance: NacosInstance = {
      service: `${name}.${scheme}`,
      address: { host, port },
      cluster: 'DEFAULT',
      weight: WEIGHT,
      metadata: { id, kind: scheme, version },
    };
    return this.#registries.register(this.#hosts, instance, options);
  }

  watch(service: string): WatchAddresses {
    return (listener) =>
      this.#registries.watch(
        this.#hosts,
        { service },
        addressListener(listener, (entries) =>
          entries.flatMap(({ address, metadata: { kind = 'grpc' } = {} }) => (kind === 'grpc' ? address : [])),
        ),
      );
  }
}

/** The namespace that the query of a URL names. */
export function namespaceIn(query: URLSearchParams): string | undefined {
  return query.get('namespaceID') ?? undefined;
}
