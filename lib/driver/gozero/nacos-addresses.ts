import { DtmArgumentError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { AddressListener, AddressSource, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { PreparedService } from '../driver.js';
import type { Address } from '../support/lookup/address.js';
import type { NacosEntry, NacosInstance, NacosName, NacosService } from '../support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { NacosRegistry } from '../support/registry/nacos/nacos-registry.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';

/** Port of Nacos where none is given. */
const PORT = 8848;

/** Services in Nacos as go-zero keeps them: under their own name, without metadata. */
export class NacosAddresses implements AddressSource {
  readonly #registries: SharedRegistries<NacosInstance, NacosService, NacosEntry>;

  /** @param options - how each Nacos is reached, where its URLs do not say it */
  constructor(options: NacosOptions = {}) {
    this.#registries = new SharedRegistries((key) => {
      const { hosts, user, password, query } = parseRegistryUrl(key);
      const namespace = query.get('namespaceid') ?? options.namespace;
      return new NacosRegistry(hosts, { ...options, ...(user !== undefined && { user, password }), namespace });
    });
  }

  check(target: GrpcTarget): void {
    wantedBy(target);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    const { url, service } = wantedBy(target);
    return this.#registries.watch(keyOf(url), service, {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(entries.map(({ address }) => address)),
    });
  }

  /**
   * Checks what is to be entered.
   *
   * @param url - of the service in Nacos
   * @param address - where it is reached
   * @returns enters it
   * @throws DtmArgumentError when a name is none
   */
  prepareService(url: RegistryUrl, address: Address): PreparedService {
    const cluster = optionOf(url, 'clustername');
    const instance = { ...nameIn(url), address, ...(cluster && { cluster: parseServiceName(cluster, 'a cluster') }) };
    const key = keyOf(url);
    return { register: (options) => this.#registries.register(key, instance, options) };
  }
}

function wantedBy({ scheme, authority, path }: GrpcTarget): { url: RegistryUrl; service: NacosService } {
  const text = `${scheme}://${authority}/${path}`;
  const url = parseRegistryUrl(text, PORT);
  if (url.hosts.length === 0) {
    const form = 'nacos://host:port/service';
    throw new DtmArgumentError(`bad address: '${redactUrls(text)}'. a service in Nacos is written ${form}`);
  }
  const clusters = optionOf(url, 'clusters')?.split(',');
  for (const cluster of clusters ?? []) parseServiceName(cluster, 'a cluster');
  return { url, service: { ...nameIn(url), clusters } };
}

function nameIn(url: RegistryUrl): NacosName {
  const group = optionOf(url, 'groupname');
  return { service: parseServiceName(url.path), ...(group && { group: parseServiceName(group, 'a group') }) };
}

/** Which Nacos, as whom, and which namespace in it. */
function keyOf(url: RegistryUrl): string {
  const { hosts, user, password = '' } = url;
  const namespace = optionOf(url, 'namespaceid');
  const who = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const query = namespace ? `?namespaceid=${encodeURIComponent(parseServiceName(namespace, 'a namespace'))}` : '';
  return `nacos://${who}${hosts.map(formatHostPort).join()}/${query}`;
}

/** The driver of dtm writes `namespaceId`, the resolver of go-zero `namespaceid` and `GroupName`. */
function optionOf({ query }: RegistryUrl, name: string): string | undefined {
  const values = [...query].filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.filter(Boolean).join() || undefined;
}
