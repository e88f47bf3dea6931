import { readFileSync } from 'node:fs';
import { DtmArgumentError, DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import { addressListener } from '../support/base/address-listener.js';
import type { GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
import { EtcdRegistry, type EtcdEntry, type EtcdInstance } from '../support/registry/etcd/etcd-registry.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import type { RegistryTls } from '../support/registry/registry-tls.js';
import type { RegistryUrl } from '../support/registry/registry-url.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import { egoKey, egoPrefix, egoValue, parseEgoEntry } from './ego-entry.js';
import type { EgoRegistry } from './ego-registry.js';

/** Life of a key after its service has gone, in seconds. */
const TTL_SECONDS = 10;

const NAME = 'dtm-driver-ego';

const warn = warnOnce('DTM_EGO_ENTRY');

/** Services of ego in etcd: an instance as JSON at `/ego/<service>/providers/grpc://<address>`. */
export class EgoEtcd implements EgoRegistry {
  readonly scheme = 'etcd';
  readonly url: string;
  readonly #hosts: readonly HostPort[];
  readonly #registries: SharedRegistries<readonly HostPort[], EtcdInstance, string, EtcdEntry>;

  /**
   * @param url - the URL of etcd
   * @param options - how etcd is reached, unless the URL says otherwise
   * @throws DtmConfigError when a certificate cannot be read
   */
  constructor(url: RegistryUrl, options: EtcdOptions = {}) {
    this.#hosts = url.hosts;
    this.url = `etcd://${url.hosts.map(formatHostPort).join()}`;
    const merged = { ...options, ...credentialsIn(url), ...tlsIn(url) };
    this.#registries = new SharedRegistries((hosts) => new EtcdRegistry(hosts, merged));
  }

  parse(target: GrpcTarget): WatchAddresses {
    const service = parseTarget(target);
    return (listener) =>
      this.#registries.watch(
        this.#hosts,
        egoPrefix(service),
        addressListener(listener, (entries) =>
          entries.flatMap(({ key, value }) => {
            const entry = parseEgoEntry(service, key, value);
            if (entry.kind === 'malformed') {
              warn(`ego: ${JSON.stringify(key)} in ${this.url} is not an instance and is ignored`);
            }
            return entry.kind === 'instance' ? entry.address : [];
          }),
        ),
      );
  }

  prepareService(service: string, endpoint: string): PreparedService {
    const address = formatHostPort(parseEndpoint(endpoint, NAME));
    const key = egoKey(parseServiceName(service, `driver ${NAME}: the service in the target`), address);
    const value = egoValue(service, address, new Date(performance.timeOrigin));
    const instance: EtcdInstance = { key: () => key, value, ttlSeconds: TTL_SECONDS };
    return { register: (options) => this.#registries.register(this.#hosts, instance, options) };
  }
}

function parseTarget({ authority, path }: GrpcTarget): string {
  if (authority === '') return parseServiceName(path);
  throw new DtmArgumentError(
    `address 'etcd://…/${path}' is invalid: expected a service of ego in etcd as etcd:///service, with three slashes`,
  );
}

function credentialsIn({ user, password, query }: RegistryUrl): Pick<EtcdOptions, 'user' | 'password'> {
  const name = query.get('userName') ?? user;
  return name === undefined ? {} : { user: name, password: query.get('password') ?? password };
}

/** The URL names files, as in Go. */
function tlsIn({ query }: RegistryUrl): Pick<EtcdOptions, 'tls'> {
  const names = { ca: query.get('caCert'), cert: query.get('certFile'), key: query.get('keyFile') };
  const files = Object.entries(names).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (files.length === 0) return query.get('enableSecure') === 'true' ? { tls: {} } : {};
  try {
    return { tls: Object.fromEntries(files.map(([name, file]) => [name, readFileSync(file)])) as RegistryTls };
  } catch (cause) {
    throw new DtmConfigError(`driver ${NAME}: a certificate of etcd cannot be read: ${errorText(cause)}`, { cause });
  }
}
