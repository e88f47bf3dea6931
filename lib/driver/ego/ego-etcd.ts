import { readFileSync } from 'node:fs';
import { DtmArgumentError, DtmConfigError, errorText } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import type { AddressListener, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import {
  EtcdRegistry,
  type EtcdEntry,
  type EtcdInstance,
  type EtcdOptions,
} from '../support/registry/etcd/etcd-registry.js';
import type { RegistryTls } from '../support/registry/registry-tls.js';
import type { RegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { warnOnce } from '../support/tools/warn-once.js';
import { egoKey, egoPrefix, egoValue, readEgoEntry } from './ego-entry.js';
import type { EgoRegistry } from './ego-registry.js';

/** Life of an entry in seconds, after its owner has gone. */
const TTL_SECONDS = 10;

const NAME = 'dtm-driver-ego';

const warn = warnOnce('DTM_EGO_ENTRY');

/** Services in etcd as ego keeps them: at `/ego/<service>/providers/grpc://<address>`, the instance as JSON. */
export class EgoEtcd implements EgoRegistry {
  readonly scheme = 'etcd';
  readonly url: string;
  readonly #hosts: string;
  readonly #registries: SharedRegistries<EtcdInstance, string, EtcdEntry>;

  /**
   * @param url - of etcd
   * @param options - how it is reached, beside what the URL says
   * @throws DtmConfigError when a certificate cannot be read
   */
  constructor(url: RegistryUrl, options: EtcdOptions = {}) {
    this.#hosts = url.hosts.map(formatHostPort).join();
    this.url = `etcd://${this.#hosts}`;
    const merged = { ...options, ...credentialsIn(url), ...tlsIn(url) };
    this.#registries = new SharedRegistries(() => new EtcdRegistry(url.hosts, merged));
  }

  check(target: GrpcTarget): void {
    serviceOf(target);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    const service = serviceOf(target);
    return this.#registries.watch(this.#hosts, egoPrefix(service), {
      failed: (reason) => listener.failed(reason),
      found: (entries) =>
        listener.found(
          entries.flatMap(({ key, value }) => {
            const found = readEgoEntry(service, key, value);
            if (found.kind === 'malformed') {
              warn(`ego: ${JSON.stringify(key)} in etcd at ${this.#hosts} is no instance; it is left out`);
            }
            return found.kind === 'instance' ? found.address : [];
          }),
        ),
    });
  }

  prepareService(service: string, endpoint: string): PreparedService {
    parseEndpoint(endpoint, NAME);
    const key = egoKey(parseServiceName(service, `driver ${NAME}: the service in the target`), endpoint);
    const value = egoValue(service, endpoint, new Date(performance.timeOrigin));
    const instance = { key: () => key, value, ttlSeconds: TTL_SECONDS };
    return { register: (options) => this.#registries.register(this.#hosts, instance, options) };
  }
}

function serviceOf({ authority, path }: GrpcTarget): string {
  if (authority === '') return parseServiceName(path);
  throw new DtmArgumentError(
    `bad address: 'etcd://…/${path}'. a service of ego in etcd is written etcd:///service, with three slashes`,
  );
}

function credentialsIn({ user, password, query }: RegistryUrl): Pick<EtcdOptions, 'user' | 'password'> {
  const name = query.get('userName') ?? user;
  return name === undefined ? {} : { user: name, password: query.get('password') ?? password };
}

/** The URL names files, as Go's does. */
function tlsIn({ query }: RegistryUrl): Pick<EtcdOptions, 'tls'> {
  const names = { ca: query.get('caCert'), cert: query.get('certFile'), key: query.get('keyFile') };
  const given = Object.entries(names).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (given.length === 0) return query.get('enableSecure') === 'true' ? { tls: {} } : {};
  try {
    return { tls: Object.fromEntries(given.map(([name, file]) => [name, readFileSync(file)])) as RegistryTls };
  } catch (cause) {
    throw new DtmConfigError(`driver ${NAME}: a certificate of etcd cannot be read: ${errorText(cause)}`, { cause });
  }
}
