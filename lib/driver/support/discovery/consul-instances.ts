import { formatHostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { AddressListener } from '../lookup/grpc-resolver/address-source.js';
import type { ConsulEntry } from '../registry/consul/consul-entry.js';
import type { ConsulCheck, ConsulInstance } from '../registry/consul/consul-instance.js';
import { ConsulRegistry, type ConsulOptions, type ConsulQuery } from '../registry/consul/consul-registry.js';
import type { RegistryUrl } from '../registry/registry-url.js';
import { SharedRegistries } from '../registry/shared-registries.js';
import { warnOnce } from '../tools/warn-once.js';
import type { InstanceRegistry } from './instance-registry.js';
import { grpcAddressesOf, type InstanceEndpoints, type ServiceInstance } from './service-instance.js';

/** An agent that has forgotten us is told soon. */
const HEARTBEAT_SECONDS = 5;

/** Tags of addresses that consul itself adds. */
const OWN_TAG = /^(?:lan|wan)_/;

const warn = warnOnce('DTM_DISCOVERY_ENTRY');

/** What {@link ConsulInstances} need. */
export interface ConsulInstancesOptions extends ConsulOptions {
  /**
   * Who says how an instance is.
   *
   * @param id - of the instance
   * @param endpoints - all of its endpoints
   */
  checks(id: string, endpoints: InstanceEndpoints): readonly ConsulCheck[];
}

/** Services in consul as kratos and sponge keep them: the URL of each endpoint is a tagged address, by its scheme. */
export class ConsulInstances implements InstanceRegistry {
  readonly #place: string;
  readonly #checks: ConsulInstancesOptions['checks'];
  readonly #registries: SharedRegistries<ConsulInstance, ConsulQuery, ConsulEntry>;

  /**
   * @param url - of consul
   * @param options - how it is reached, beside what the URL says
   */
  constructor({ hosts, user, password, query }: RegistryUrl, { checks, ...options }: ConsulInstancesOptions) {
    this.#place = hosts.map(formatHostPort).join();
    this.#checks = checks;
    const token = query.get('token') ?? options.token;
    const credentials = user === undefined ? {} : { user, password };
    this.#registries = new SharedRegistries(() => new ConsulRegistry(hosts, { ...options, ...credentials, token }));
  }

  register(
    { id, name, version }: ServiceInstance,
    endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const [{ host: address, port }] = endpoints;
    const tagged = endpoints.map(
      ({ scheme, url, port: itsPort }) => [scheme, { address: url, port: itsPort }] as const,
    );
    const instance = {
      id,
      name,
      tags: [`version=${version}`],
      address,
      port,
      taggedAddresses: Object.fromEntries(tagged),
      checks: this.#checks(id, endpoints),
      heartbeatSeconds: HEARTBEAT_SECONDS,
    };
    return this.#registries.register(this.#place, instance, options);
  }

  watch(service: string, listener: AddressListener): () => void {
    return this.#registries.watch(
      this.#place,
      { service },
      {
        failed: (reason) => listener.failed(reason),
        found: (entries) => listener.found(grpcAddressesOf(this.#instancesOf(service, entries), warn)),
      },
    );
  }

  #instancesOf(service: string, entries: readonly ConsulEntry[]): { what: string; endpoints: readonly string[] }[] {
    return entries.flatMap(({ id, name, taggedAddresses }) => {
      if (name !== service) return [];
      const tagged = Object.entries(taggedAddresses).filter(([tag]) => !OWN_TAG.test(tag));
      const what = `${JSON.stringify(id)} in consul at ${this.#place}`;
      return [{ what, endpoints: tagged.map(([, { address }]) => address) }];
    });
  }
}
