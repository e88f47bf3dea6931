import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort, parseHostPort, type HostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import { addressListener } from '../support/base/address-listener.js';
import type { GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
import { EtcdRegistry, type EtcdEntry, type EtcdInstance } from '../support/registry/etcd/etcd-registry.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import type { GoZeroRegistry, GoZeroTarget } from './go-zero-target.js';

/** Life of a key after its service has gone, in seconds; go-zero's own. */
const TTL_SECONDS = 10;

const DEFAULT_PORT = 2379;

const warn = warnOnce('DTM_GOZERO_ENTRY');

/** Services of go-zero in etcd: one key below `<service>/` for each instance, whose value is its address. */
export class EtcdAddresses implements GoZeroRegistry {
  readonly #registries: SharedRegistries<readonly HostPort[], EtcdInstance, string, EtcdEntry>;
  /** The users of targets, by the members of etcd: a URL of a branch names no user. */
  readonly #credentials = new Map<string, Pick<EtcdOptions, 'user' | 'password'>>();

  /** @param options - how each etcd is reached */
  constructor(options: EtcdOptions = {}) {
    this.#registries = new SharedRegistries(
      (hosts) => new EtcdRegistry(hosts, { ...options, ...this.#credentials.get(membersOf(hosts)) }),
    );
  }

  parse(target: GrpcTarget): WatchAddresses {
    const { hosts, service } = parseTarget(target);
    return (listener) =>
      this.#registries.watch(
        hosts,
        `${service}/`,
        addressListener(listener, (entries) =>
          entries.flatMap(({ key, value }) => {
            const address = parseHostPort(value);
            if (!address) {
              const name = `${JSON.stringify(key)} in etcd at ${membersOf(hosts)}`;
              warn(`go-zero: the value of ${name} is not an address and is ignored`);
            }
            return address ?? [];
          }),
        ),
      );
  }

  prepareService({ url, service, address }: GoZeroTarget): PreparedService {
    const { hosts, query } = url;
    const user = query.get('user') ?? url.user;
    if (user !== undefined) {
      this.#credentials.set(membersOf(hosts), { user, password: query.get('password') ?? url.password });
    }
    const instance: EtcdInstance = {
      key: (leaseId) => `${service}/${leaseId}`,
      value: formatHostPort(address),
      ttlSeconds: TTL_SECONDS,
    };
    return { register: (options) => this.#registries.register(hosts, instance, options) };
  }
}

function membersOf(hosts: readonly HostPort[]): string {
  return hosts.map(formatHostPort).join();
}

/** Newer versions of go-zero write `etcd:///hosts?key=service`. */
function parseTarget({ scheme, authority, path }: GrpcTarget): { hosts: readonly HostPort[]; service: string } {
  const [, newHosts, newKey] = authority === '' ? (/^([^?]+)\?key=([^&]+)$/.exec(path) ?? []) : [];
  const text = newHosts ?? authority;
  const hosts = text.includes('@') ? [] : parseRegistryUrl(`etcd://${text}`, DEFAULT_PORT).hosts;
  if (hosts.length === 0) {
    throw new DtmArgumentError(
      `address '${scheme}://…/${path}' is invalid: expected a service in etcd as etcd://host:port,host:port/service`,
    );
  }
  return { hosts, service: parseServiceName(newKey ?? path) };
}
