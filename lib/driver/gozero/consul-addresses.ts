import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort, parseHostPort } from '../../support/host-port.js';
import type { DriverRegistration, RegisterOptions } from '../driver.js';
import type { Address } from '../support/lookup/address.js';
import type { AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { ConsulEntry } from '../support/registry/consul/consul-entry.js';
import type { ConsulInstance } from '../support/registry/consul/consul-instance.js';
import { ConsulRegistry, type ConsulOptions, type ConsulQuery } from '../support/registry/consul/consul-registry.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';

/** How long consul believes a heartbeat, in seconds, as go-zero's. */
const TTL_SECONDS = 20;

/** More often than go-zero, which beats one second before the end: an agent that has forgotten us is told soon. */
const HEARTBEAT_SECONDS = 5;

const PORT = 8500;

const warn = warnOnce('DTM_GOZERO_ENTRY');

/** Services in consul as go-zero keeps them: one with address, port and a check with a time to live for each instance. */
export class ConsulAddresses implements AddressSource {
  readonly #registries: SharedRegistries<ConsulInstance, ConsulQuery, ConsulEntry>;

  /** @param options - how each consul is reached */
  constructor(options: ConsulOptions = {}) {
    this.#registries = new SharedRegistries((authority) => {
      const { hosts, user, password } = parseRegistryUrl(`consul://${authority}`, PORT);
      return new ConsulRegistry(hosts, { ...options, ...(user !== undefined && { user, password }) });
    });
  }

  check(target: GrpcTarget): void {
    wantedBy(target);
  }

  watch(target: GrpcTarget, listener: Parameters<AddressSource['watch']>[1]): () => void {
    const { url, query, limit } = wantedBy(target);
    return this.#registries.watch(target.authority, query, {
      failed: (reason) => listener.failed(reason),
      found: (entries) => {
        const addresses = entries.flatMap((entry) => {
          const address = addressOf(entry);
          if (!address) {
            const name = `${JSON.stringify(entry.id)} in consul at ${url.hosts.map(formatHostPort).join()}`;
            warn(`go-zero: ${name} has no address; it is left out`);
          }
          return address ?? [];
        });
        listener.found(limit > 0 ? addresses.slice(0, limit) : addresses);
      },
    });
  }

  /**
   * Enters a service.
   *
   * @param url - of consul
   * @param service - its name
   * @param address - where it is reached
   * @param options - who is told of problems
   */
  register(
    url: RegistryUrl,
    service: string,
    address: Address,
    options?: RegisterOptions,
  ): Promise<DriverRegistration> {
    const id = `${service}-${address.host}-${address.port}`;
    const instance: ConsulInstance = {
      id,
      name: service,
      tags: ['tag', 'rpc'],
      meta: { Protocol: 'grpc' },
      address: address.host,
      port: address.port,
      checks: [
        { id, name: service, ttlSeconds: TTL_SECONDS, status: 'passing', deregisterAfterSeconds: 3 * TTL_SECONDS },
      ],
      heartbeatSeconds: HEARTBEAT_SECONDS,
      token: url.query.get('token') ?? undefined,
    };
    return this.#registries.register(authorityOf(url), instance, options);
  }
}

interface Wanted {
  readonly url: RegistryUrl;
  readonly query: ConsulQuery;
  /** Most instances; 0 for all. */
  readonly limit: number;
}

/** Options of go-zero that are parameters of consul under the same name. */
const PARAMETERS = ['tag', 'near', 'dc'] as const;

/** Options of go-zero that are switches of consul, by consul's name. */
const SWITCHES = { stale: 'allow-stale', consistent: 'require-consistent' } as const;

/** Other than in go-zero, those are found that are healthy, unless all are asked for. */
function wantedBy({ authority, path }: GrpcTarget): Wanted {
  const url = parseRegistryUrl(`consul://${authority}/${path}`, PORT);
  if (url.hosts.length === 0) {
    throw new DtmArgumentError(
      `bad address: 'consul:///${url.path}'. a service in consul is written consul://host:port/service`,
    );
  }
  const { query } = url;
  const given = PARAMETERS.map((name) => [name, query.get(name)] as const);
  const switches = Object.entries(SWITCHES).map(([name, option]) => [name, isOn(query, option) ? '1' : null] as const);
  return {
    url,
    query: {
      service: parseServiceName(url.path),
      withUnhealthy: query.has('healthy') && !isOn(query, 'healthy'),
      parameters: Object.fromEntries(
        [...given, ...switches].flatMap(([name, value]) => (value ? [[name, value]] : [])),
      ),
      token: query.get('token') ?? undefined,
    },
    limit: Number(query.get('limit')) || 0,
  };
}

function isOn(query: URLSearchParams, name: string): boolean {
  return query.get(name) === 'true' || query.get(name) === '1';
}

function authorityOf({ hosts, user, password }: RegistryUrl): string {
  const credentials = [user, password].flatMap((part) => (part === undefined ? [] : encodeURIComponent(part)));
  return (credentials.length > 0 ? `${credentials.join(':')}@` : '') + hosts.map(formatHostPort).join();
}

function addressOf({ address, port }: ConsulEntry): Address | undefined {
  return parseHostPort(formatHostPort({ host: address, port }));
}
