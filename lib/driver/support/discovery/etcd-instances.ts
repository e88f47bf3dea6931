import { formatHostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import type { AddressListener } from '../lookup/grpc-resolver/address-source.js';
import { EtcdRegistry, type EtcdEntry, type EtcdInstance, type EtcdOptions } from '../registry/etcd/etcd-registry.js';
import type { RegistryUrl } from '../registry/registry-url.js';
import { SharedRegistries } from '../registry/shared-registries.js';
import { warnOnce } from '../tools/warn-once.js';
import type { InstanceRegistry } from './instance-registry.js';
import { grpcAddressesOf, type InstanceEndpoints, type ServiceInstance } from './service-instance.js';

/** Life of an entry in seconds, as kratos'. */
const TTL_SECONDS = 15;

const warn = warnOnce('DTM_DISCOVERY_ENTRY');

/** Services in etcd as kratos and sponge keep them: at `/microservices/<service>/<id>`, the instance as JSON. */
export class EtcdInstances implements InstanceRegistry {
  readonly #place: string;
  readonly #registries: SharedRegistries<EtcdInstance, string, EtcdEntry>;

  /**
   * @param url - of etcd
   * @param options - how it is reached, beside what the URL says
   */
  constructor({ hosts, user, password, query }: RegistryUrl, options: EtcdOptions = {}) {
    this.#place = hosts.map(formatHostPort).join();
    const name = query.get('username') ?? user;
    const secret = query.get('password') ?? password;
    const credentials = name === undefined ? {} : { user: name, password: secret };
    this.#registries = new SharedRegistries(() => new EtcdRegistry(hosts, { ...options, ...credentials }));
  }

  register(
    instance: ServiceInstance,
    _endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const key = `${prefixOf(instance.name)}${instance.id}`;
    const value = JSON.stringify(instance);
    return this.#registries.register(this.#place, { key: () => key, value, ttlSeconds: TTL_SECONDS }, options);
  }

  watch(service: string, listener: AddressListener): () => void {
    return this.#registries.watch(this.#place, prefixOf(service), {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(grpcAddressesOf(this.#instancesOf(service, entries), warn)),
    });
  }

  #instancesOf(service: string, entries: readonly EtcdEntry[]): { what: string; endpoints: readonly string[] }[] {
    return entries.flatMap(({ key, value }) => {
      const what = `${JSON.stringify(key)} in etcd at ${this.#place}`;
      const instance = parsed(value);
      if (!instance) warn(`${what} is no service instance; it is left out`);
      return instance?.name === service ? [{ what, endpoints: instance.endpoints }] : [];
    });
  }
}

function prefixOf(service: string): string {
  return `/microservices/${service}/`;
}

function parsed(value: string): Pick<ServiceInstance, 'name' | 'endpoints'> | undefined {
  try {
    const { name, endpoints } = JSON.parse(value) as { name?: unknown; endpoints?: unknown };
    const list: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [];
    // Go writes null for none
    if (typeof name !== 'string' || !(endpoints === null || Array.isArray(endpoints))) return undefined;
    const urls = list.filter((endpoint) => typeof endpoint === 'string');
    return urls.length === list.length ? { name, endpoints: urls } : undefined;
  } catch {
    return undefined;
  }
}
