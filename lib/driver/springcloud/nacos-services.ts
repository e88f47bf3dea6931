import { DtmConfigError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import type { AddressListener, GrpcTarget } from '../support/lookup/grpc-resolver/address-source.js';
import type { PreparedService } from '../driver.js';
import type { Address } from '../support/lookup/address.js';
import {
  DEFAULT_GROUP,
  type NacosEntry,
  type NacosInstance,
  type NacosService,
} from '../support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { NacosRegistry } from '../support/registry/nacos/nacos-registry.js';
import { SharedRegistries } from '../support/registry/shared-registries.js';
import { isHttpScheme, type NamedUrl } from './named-url.js';
import type { SpringServices } from './spring-services.js';

/** Where dtm looks when a URL names no cluster. */
const DEFAULT_CLUSTER = 'DEFAULT';

/** Services as Spring Cloud Alibaba keeps them in Nacos. */
export class NacosServices implements SpringServices {
  readonly registry: string;
  readonly isKnownToGo = true;
  readonly #group: string;
  readonly #registries: SharedRegistries<NacosInstance, NacosService, NacosEntry>;

  /**
   * @param hosts - members of one cluster
   * @param options - see {@link NacosOptions}
   * @param group - of services whose URL cannot name one
   * @throws DtmConfigError when there is no member
   */
  constructor(hosts: readonly Address[], options: NacosOptions, group = DEFAULT_GROUP) {
    if (hosts.length === 0) throw new DtmConfigError('give the address of Nacos, e.g. nacos:8848');
    const { namespace = 'public', user } = options;
    const as = user === undefined ? '' : ` as ${user}`;
    this.registry = `nacos at ${hosts.map(formatHostPort).join()}, namespace ${namespace}${as}`;
    this.#group = group;
    this.#registries = new SharedRegistries(() => new NacosRegistry(hosts, options));
  }

  targetOf({ scheme, service, group, clusters }: NamedUrl): GrpcTarget {
    const query = new URLSearchParams({ group: group ?? (isHttpScheme(scheme) ? this.#group : DEFAULT_GROUP) });
    // a Java client looks for dtm in all clusters, dtm for a branch in this one only
    const wanted = clusters.length === 0 && !isHttpScheme(scheme) ? [DEFAULT_CLUSTER] : clusters;
    if (wanted.length > 0) query.set('clusters', wanted.join());
    return { scheme: 'nacos', authority: '', path: `${service}?${query}` };
  }

  check(): void {
    // done by whoever made the target
  }

  watch({ path }: GrpcTarget, listener: AddressListener): () => void {
    const [service = '', text] = path.split('?');
    const query = new URLSearchParams(text);
    const wanted = { service, group: query.get('group') ?? DEFAULT_GROUP, clusters: query.get('clusters')?.split(',') };
    return this.#registries.watch(this.registry, wanted, {
      failed: (reason) => listener.failed(reason),
      found: (entries) => listener.found(entries.map(({ address }) => address)),
    });
  }

  /**
   * Prepares the registration of an instance.
   *
   * @param instance - which one
   */
  prepareService(instance: NacosInstance): PreparedService {
    return { register: (options) => this.#registries.register(this.registry, instance, options) };
  }
}
