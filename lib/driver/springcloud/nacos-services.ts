import { DtmConfigError } from '../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../support/host-port.js';
import type { PreparedService } from '../driver.js';
import { addressListener } from '../support/base/address-listener.js';
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
import type { ServiceLookup, SpringServices } from './spring-services.js';

/** The cluster in which dtm looks up a URL without clusters. */
const DEFAULT_CLUSTER = 'DEFAULT';

/** Services of Spring Cloud Alibaba in Nacos. */
export class NacosServices implements SpringServices {
  readonly registry: string;
  readonly isKnownToGo = true;
  readonly #hosts: readonly HostPort[];
  readonly #group: string;
  readonly #registries: SharedRegistries<readonly HostPort[], NacosInstance, NacosService, NacosEntry>;

  /**
   * @param hosts - members of one cluster
   * @param options - see {@link NacosOptions}
   * @param group - group of a service whose URL cannot name one
   * @throws DtmConfigError when there is no member
   */
  constructor(hosts: readonly HostPort[], options: NacosOptions, group = DEFAULT_GROUP) {
    if (hosts.length === 0) throw new DtmConfigError('Nacos has no address; expected e.g. nacos:8848');
    const { namespace = 'public', user } = options;
    const as = user === undefined ? '' : ` as ${user}`;
    this.registry = `nacos at ${hosts.map(formatHostPort).join()}, namespace ${namespace}${as}`;
    this.#hosts = hosts;
    this.#group = group;
    this.#registries = new SharedRegistries((members) => new NacosRegistry(members, options));
  }

  lookup({ scheme, service, group, clusters }: NamedUrl): ServiceLookup {
    const isHttp = isHttpScheme(scheme);
    const wanted: NacosService = {
      service,
      group: group ?? (isHttp ? this.#group : DEFAULT_GROUP),
      // a Java client looks for dtm in all clusters, dtm looks for a branch in the default cluster
      clusters: clusters.length > 0 ? clusters : isHttp ? undefined : [DEFAULT_CLUSTER],
    };
    const query = new URLSearchParams({
      group: wanted.group!,
      ...(wanted.clusters && { clusters: wanted.clusters.join() }),
    });
    return {
      name: `${service}?${query}`,
      watch: (listener) =>
        this.#registries.watch(
          this.#hosts,
          wanted,
          addressListener(listener, (entries) => entries.map(({ address }) => address)),
        ),
    };
  }

  prepareService(instance: NacosInstance): PreparedService {
    return { register: (options) => this.#registries.register(this.#hosts, instance, options) };
  }
}
