import { formatHostPort, type HostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import { addressListener } from '../base/address-listener.js';
import type { WatchAddresses } from '../lookup/address-source.js';
import type { ConsulEntry } from '../registry/consul/consul-entry.js';
import type { ConsulCheck, ConsulInstance } from '../registry/consul/consul-instance.js';
import type { ConsulOptions } from '../registry/consul/consul-options.js';
import { ConsulRegistry, type ConsulQuery } from '../registry/consul/consul-registry.js';
import type { RegistryUrl } from '../registry/registry-url.js';
import { SharedRegistries } from '../registry/shared-registries.js';
import { warnOnce } from '../tools/warn-once.js';
import type { InstanceRegistry } from './instance-registry.js';
import {
  grpcAddressesOf,
  type InstanceEndpoints,
  type RegisteredInstance,
  type ServiceInstance,
} from './service-instance.js';

/** Frequent beats show early that a restarted agent has lost the service. */
const HEARTBEAT_SECONDS = 5;

/** Tags of the addresses that Consul itself adds. */
const CONSULS_TAG = /^(?:lan|wan)_/;

const warn = warnOnce('DTM_DISCOVERY_ENTRY');

/** Options of {@link ConsulInstances}. */
export interface ConsulInstancesOptions extends ConsulOptions {
  /**
   * The health checks of an instance.
   *
   * @param id - id of the instance
   * @param endpoints - all endpoints of the instance
   */
  checks(id: string, endpoints: InstanceEndpoints): readonly ConsulCheck[];
}

/** Services of kratos and sponge in Consul: the URL of each endpoint is a tagged address, with its scheme as the tag. */
export class ConsulInstances implements InstanceRegistry {
  readonly #hosts: readonly HostPort[];
  readonly #checks: ConsulInstancesOptions['checks'];
  readonly #registries: SharedRegistries<readonly HostPort[], ConsulInstance, ConsulQuery, ConsulEntry>;

  /**
   * @param url - the URL of Consul
   * @param options - how Consul is reached, unless the URL says otherwise
   */
  constructor({ hosts, user, password, query }: RegistryUrl, { checks, ...options }: ConsulInstancesOptions) {
    this.#hosts = hosts;
    this.#checks = checks;
    const token = query.get('token') ?? options.token;
    const credentials = user === undefined ? {} : { user, password };
    this.#registries = new SharedRegistries((at) => new ConsulRegistry(at, { ...options, ...credentials, token }));
  }

  register(
    { id, name, version }: ServiceInstance,
    endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const [{ host: address, port: firstPort }] = endpoints;
    const tagged = endpoints.map(({ scheme, url, port }) => [scheme, { address: url, port }] as const);
    const instance: ConsulInstance = {
      id,
      name,
      tags: [`version=${version}`],
      address,
      port: firstPort,
      taggedAddresses: Object.fromEntries(tagged),
      checks: this.#checks(id, endpoints),
      heartbeatSeconds: HEARTBEAT_SECONDS,
    };
    return this.#registries.register(this.#hosts, instance, options);
  }

  watch(service: string): WatchAddresses {
    return (listener) =>
      this.#registries.watch(
        this.#hosts,
        { service },
        addressListener(listener, (entries) => grpcAddressesOf(this.#instancesOf(service, entries), warn)),
      );
  }

  #instancesOf(service: string, entries: readonly ConsulEntry[]): RegisteredInstance[] {
    const consul = `consul at ${this.#hosts.map(formatHostPort).join()}`;
    return entries.flatMap(({ id, name, taggedAddresses }) => {
      if (name !== service) return [];
      const tagged = Object.entries(taggedAddresses).filter(([tag]) => !CONSULS_TAG.test(tag));
      return [{ name: `${JSON.stringify(id)} in ${consul}`, endpoints: tagged.map(([, { address }]) => address) }];
    });
  }
}
