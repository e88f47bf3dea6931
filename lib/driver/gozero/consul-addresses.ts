import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import { parseAddress } from '../support/tools/service-address.js';
import { addressListener } from '../support/base/address-listener.js';
import type { GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import type { ConsulEntry } from '../support/registry/consul/consul-entry.js';
import type { ConsulInstance } from '../support/registry/consul/consul-instance.js';
import type { ConsulOptions } from '../support/registry/consul/consul-options.js';
import { ConsulRegistry, type ConsulQuery } from '../support/registry/consul/consul-registry.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import type { GoZeroRegistry, GoZeroTarget } from './go-zero-target.js';

/** The time for which Consul believes a heartbeat, in seconds; go-zero's own. */
const TTL_SECONDS = 20;

/** go-zero beats once before the TTL ends. More beats show earlier that a restarted agent has lost the service. */
const HEARTBEAT_SECONDS = 5;

const DEFAULT_PORT = 8500;

const warn = warnOnce('DTM_GOZERO_ENTRY');

type ConsulLocation = Pick<RegistryUrl, 'hosts' | 'user' | 'password'>;

/** Services of go-zero in Consul: address, port and a TTL check for each instance. */
export class ConsulAddresses implements GoZeroRegistry {
  readonly #registries: SharedRegistries<ConsulLocation, ConsulInstance, ConsulQuery, ConsulEntry>;

  /** @param options - how each Consul is reached */
  constructor(options: ConsulOptions = {}) {
    this.#registries = new SharedRegistries(
      ({ hosts, user, password }) =>
        new ConsulRegistry(hosts, { ...options, ...(user !== undefined && { user, password }) }),
    );
  }

  parse(target: GrpcTarget): WatchAddresses {
    const { location, query, limit } = parseTarget(target);
    return (listener) =>
      this.#registries.watch(
        location,
        query,
        addressListener(listener, (entries) => {
          const addresses = entries.flatMap((entry) => {
            const address = parseAddress(entry.address, entry.port);
            if (!address) {
              const name = `${JSON.stringify(entry.id)} in consul at ${location.hosts.map(formatHostPort).join()}`;
              warn(`go-zero: ${name} has no address and is ignored`);
            }
            return address ?? [];
          });
          return limit > 0 ? addresses.slice(0, limit) : addresses;
        }),
      );
  }

  prepareService({ url, service, address: { host, port } }: GoZeroTarget): PreparedService {
    const id = `${service}-${host}-${port}`;
    const instance: ConsulInstance = {
      id,
      name: service,
      tags: ['tag', 'rpc'],
      meta: { Protocol: 'grpc' },
      address: host,
      port,
      checks: [
        { id, name: service, ttlSeconds: TTL_SECONDS, status: 'passing', deregisterAfterSeconds: 3 * TTL_SECONDS },
      ],
      heartbeatSeconds: HEARTBEAT_SECONDS,
      token: url.query.get('token') ?? undefined,
    };
    const location = locationOf(url);
    return { register: (options) => this.#registries.register(location, instance, options) };
  }
}

/** Options of go-zero that are parameters of Consul under the same name. */
const PARAMETERS = ['tag', 'near', 'dc'] as const;

/** Options of go-zero that are switches of Consul, by Consul's name. */
const SWITCHES = { stale: 'allow-stale', consistent: 'require-consistent' } as const;

interface ConsulTarget {
  readonly location: ConsulLocation;
  readonly query: ConsulQuery;
  /** The most instances; 0 for all. */
  readonly limit: number;
}

/** Unlike go-zero, healthy instances are found by default; `healthy=false` asks for all. */
function parseTarget({ authority, path }: GrpcTarget): ConsulTarget {
  const url = parseRegistryUrl(`consul://${authority}/${path}`, DEFAULT_PORT);
  if (url.hosts.length === 0) {
    throw new DtmArgumentError(
      `address 'consul:///${url.path}' is invalid: expected a service in Consul as consul://host:port/service`,
    );
  }
  const { query } = url;
  const parameters = PARAMETERS.map((name) => [name, query.get(name)] as const);
  const switches = Object.entries(SWITCHES).map(([name, option]) => [name, isOn(query, option) ? '1' : null] as const);
  return {
    location: locationOf(url),
    query: {
      service: parseServiceName(url.path),
      withUnhealthy: query.has('healthy') && !isOn(query, 'healthy'),
      parameters: Object.fromEntries(
        [...parameters, ...switches].flatMap(([name, value]) => (value ? [[name, value]] : [])),
      ),
      token: query.get('token') ?? undefined,
    },
    limit: Number(query.get('limit')) || 0,
  };
}

function locationOf({ hosts, user, password }: RegistryUrl): ConsulLocation {
  return { hosts, user, password };
}

function isOn(query: URLSearchParams, name: string): boolean {
  return query.get(name) === 'true' || query.get(name) === '1';
}
