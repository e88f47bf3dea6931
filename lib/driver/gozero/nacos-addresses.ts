import { DtmArgumentError } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { PreparedService } from '../driver.js';
import { addressListener } from '../support/base/address-listener.js';
import type { GrpcTarget, WatchAddresses } from '../support/lookup/address-source.js';
import type { NacosEntry, NacosInstance, NacosName, NacosService } from '../support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { NacosRegistry } from '../support/registry/nacos/nacos-registry.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import type { GoZeroRegistry, GoZeroTarget } from './go-zero-target.js';

const DEFAULT_PORT = 8848;

/** A Nacos, the user, and the namespace in it. */
interface NacosLocation extends Pick<RegistryUrl, 'hosts' | 'user' | 'password'> {
  readonly namespace: string | undefined;
}

/** Services of go-zero in Nacos: under their own name, without metadata. */
export class NacosAddresses implements GoZeroRegistry {
  readonly #registries: SharedRegistries<NacosLocation, NacosInstance, NacosService, NacosEntry>;

  /** @param options - how each Nacos is reached, unless its URL says otherwise */
  constructor(options: NacosOptions = {}) {
    this.#registries = new SharedRegistries(({ hosts, user, password, namespace = options.namespace }) => {
      const credentials = user === undefined ? {} : { user, password };
      return new NacosRegistry(hosts, { ...options, ...credentials, namespace });
    });
  }

  parse(target: GrpcTarget): WatchAddresses {
    const { location, service } = parseTarget(target);
    return (listener) =>
      this.#registries.watch(
        location,
        service,
        addressListener(listener, (entries) => entries.map(({ address }) => address)),
      );
  }

  prepareService({ url, service, address }: GoZeroTarget): PreparedService {
    const cluster = optionOf(url, 'clustername');
    const instance: NacosInstance = {
      ...nameOf(url, service),
      address,
      ...(cluster && { cluster: parseServiceName(cluster, 'a cluster') }),
    };
    const location = locationOf(url);
    return { register: (options) => this.#registries.register(location, instance, options) };
  }
}

function parseTarget({ scheme, authority, path }: GrpcTarget): { location: NacosLocation; service: NacosService } {
  const text = `${scheme}://${authority}/${path}`;
  const url = parseRegistryUrl(text, DEFAULT_PORT);
  if (url.hosts.length === 0) {
    throw new DtmArgumentError(
      `address '${redactUrls(text)}' is invalid: expected a service in Nacos as nacos://host:port/service`,
    );
  }
  const clusters = optionOf(url, 'clusters')?.split(',');
  for (const cluster of clusters ?? []) parseServiceName(cluster, 'a cluster');
  return { location: locationOf(url), service: { ...nameOf(url, parseServiceName(url.path)), clusters } };
}

function nameOf(url: RegistryUrl, service: string): NacosName {
  const group = optionOf(url, 'groupname');
  return { service, ...(group && { group: parseServiceName(group, 'a group') }) };
}

function locationOf(url: RegistryUrl): NacosLocation {
  const { hosts, user, password } = url;
  const namespace = optionOf(url, 'namespaceid');
  return { hosts, user, password, namespace: namespace && parseServiceName(namespace, 'a namespace') };
}

/** The driver in Go dtm reads `namespaceId`, the resolver of go-zero `namespaceid` and `GroupName`. */
function optionOf({ query }: RegistryUrl, name: string): string | undefined {
  const values = [...query].filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.filter(Boolean).join() || undefined;
}
