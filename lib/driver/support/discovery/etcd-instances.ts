import { formatHostPort, type HostPort } from '../../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../../driver.js';
import { addressListener } from '../base/address-listener.js';
import type { WatchAddresses } from '../lookup/address-source.js';
import type { EtcdOptions } from '../registry/etcd/etcd-options.js';
import { EtcdRegistry, type EtcdEntry, type EtcdInstance } from '../registry/etcd/etcd-registry.js';
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

/** Life of a key after its service has gone, in seconds; kratos' own. */
const TTL_SECONDS = 15;

const warn = warnOnce('DTM_DISCOVERY_ENTRY');

/** Services of kratos and sponge in etcd: an instance as JSON at `/microservices/<service>/<id>`. */
export class EtcdInstances implements InstanceRegistry {
  readonly #hosts: readonly HostPort[];
  readonly #registries: SharedRegistries<readonly HostPort[], EtcdInstance, string, EtcdEntry>;

  /**
   * @param url - the URL of etcd
   * @param options - how etcd is reached, unless the URL says otherwise
   */
  constructor(url: RegistryUrl, options: EtcdOptions = {}) {
    this.#hosts = url.hosts;
    const user = url.query.get('username') ?? url.user;
    const password = url.query.get('password') ?? url.password;
    const credentials = user === undefined ? {} : { user, password };
    this.#registries = new SharedRegistries((hosts) => new EtcdRegistry(hosts, { ...options, ...credentials }));
  }

  register(
    instance: ServiceInstance,
    _endpoints: InstanceEndpoints,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const key = `${prefixOf(instance.name)}${instance.id}`;
    const value = JSON.stringify(instance);
    return this.#registries.register(this.#hosts, { key: () => key, value, ttlSeconds: TTL_SECONDS }, options);
  }

  watch(service: string): WatchAddresses {
    return (listener) =>
      this.#registries.watch(
        this.#hosts,
        prefixOf(service),
        addressListener(listener, (entries) => grpcAddressesOf(this.#instancesOf(service, entries), warn)),
      );
  }

  #instancesOf(service: string, entries: readonly EtcdEntry[]): RegisteredInstance[] {
    const etcd = `etcd at ${this.#hosts.map(formatHostPort).join()}`;
    return entries.flatMap(({ key, value }) => {
      const name = `${JSON.stringify(key)} in ${etcd}`;
      const instance = parseInstance(value);
      if (!instance) warn(`${name} is not a service instance and is ignored`);
      return instance?.name === service ? [{ name, endpoints: instance.endpoints }] : [];
    });
  }
}

function prefixOf(service: string): string {
  return `/microservices/${service}/`;
}

function parseInstance(value: string): Pick<ServiceInstance, 'name' | 'endpoints'> | undefined {
  try {
    const { name, endpoints } = JSON.parse(value) as { name?: unknown; endpoints?: unknown };
    const list: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [];
    // Go writes null for an empty list
    if (typeof name !== 'string' || !(endpoints === null || Array.isArray(endpoints))) return undefined;
    const urls = list.filter((endpoint) => typeof endpoint === 'string');
    return urls.length === list.length ? { name, endpoints: urls } : undefined;
  } catch {
    return undefined;
  }
}
