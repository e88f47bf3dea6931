import { DtmArgumentError } from '../../protocol/internal.js';
import { parseHostPort } from '../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../driver.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import {
  EtcdRegistry,
  type EtcdEntry,
  type EtcdInstance,
  type EtcdOptions,
} from '../support/registry/etcd/etcd-registry.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';

/** Life of an entry in seconds, as go-zero's. */
const TTL_SECONDS = 10;

const FORM = 'etcd://host:port,host:port/service';

const warn = warnOnce('DTM_GOZERO_ENTRY');

/** Services in etcd as go-zero keeps them: below `<service>/`, one key for each instance, whose value is its address. */
export class EtcdAddresses implements AddressSource {
  readonly #registries: SharedRegistries<EtcdInstance, string, EtcdEntry>;
  readonly #credentials = new Map<string, Pick<EtcdOptions, 'user' | 'password'>>();

  /** @param options - how each etcd is reached */
  constructor(options: EtcdOptions = {}) {
    this.#registries = new SharedRegistries((hosts) => {
      const { hosts: members } = parseRegistryUrl(`etcd://${hosts}`, 2379);
      return new EtcdRegistry(members, { ...options, ...this.#credentials.get(hosts) });
    });
  }

  /**
   * Tells who asks at an etcd, in place of the user in the options.
   *
   * @param hosts - of etcd, separated by commas
   * @param credentials - user and password
   */
  useCredentials(hosts: string, credentials: Pick<EtcdOptions, 'user' | 'password'>): void {
    this.#credentials.set(hosts, credentials);
  }

  check(target: GrpcTarget): void {
    wantedBy(target);
  }

  watch(target: GrpcTarget, listener: Parameters<AddressSource['watch']>[1]): () => void {
    const { hosts, service } = wantedBy(target);
    return this.#registries.watch(hosts, `${service}/`, {
      failed: (reason) => listener.failed(reason),
      found: (entries) =>
        listener.found(
          entries.flatMap(({ key, value }) => {
            const address = parseHostPort(value);
            if (!address) warn(`go-zero: ${JSON.stringify(key)} in etcd at ${hosts} is no address; it is left out`);
            return address ?? [];
          }),
        ),
    });
  }

  /**
   * Enters a service.
   *
   * @param hosts - of etcd, separated by commas
   * @param service - its name
   * @param endpoint - its address, which is stored as it is
   * @param options - who is told of problems
   */
  register(hosts: string, service: string, endpoint: string, options?: RegisterOptions): Promise<DriverRegistration> {
    const key = (leaseId: string): string => `${service}/${leaseId}`;
    return this.#registries.register(hosts, { key, value: endpoint, ttlSeconds: TTL_SECONDS }, options);
  }
}

/** Newer versions of go-zero write `etcd:///hosts?key=service`. */
function wantedBy({ scheme, authority, path }: GrpcTarget): { hosts: string; service: string } {
  const [, newHosts, newKey] = authority === '' ? (/^([^?]+)\?key=([^&]+)$/.exec(path) ?? []) : [];
  const hosts = newHosts ?? authority;
  const service = newKey ?? path;
  if (hosts === '' || hosts.includes('@') || parseRegistryUrl(`etcd://${hosts}`, 2379).hosts.length === 0) {
    throw new DtmArgumentError(`bad address: '${scheme}://…/${path}'. a service in etcd is written ${FORM}`);
  }
  return { hosts, service: parseServiceName(service) };
}
