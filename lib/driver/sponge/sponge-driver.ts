import { formatHostPort } from '../../support/host-port.js';
import type { DtmDriver } from '../driver.js';
import { ConsulInstances } from '../support/discovery/consul-instances.js';
import { discoveryDriver } from '../support/discovery/discovery-driver.js';
import { EtcdInstances } from '../support/discovery/etcd-instances.js';
import { namespaceIn, NacosInstances } from '../support/discovery/nacos-instances.js';
import type { InstanceEndpoints } from '../support/discovery/service-instance.js';
import type { ConsulCheck } from '../support/registry/consul/consul-instance.js';
import type { ConsulOptions } from '../support/registry/consul/consul-registry.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-registry.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';

/** Options of {@link spongeDriver}. */
export interface SpongeOptions {
  /**
   * The registry in which services are found: `etcd://host:2379`, `consul://host:8500` or `nacos://host:8848`.
   *
   * @default that of the target which is registered
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, where it asks for more than its addresses. @default plainly */
  readonly etcd?: EtcdOptions | undefined;
  /** How consul is reached, where it asks for more than its addresses. @default plainly */
  readonly consul?: ConsulOptions | undefined;
  /** How Nacos is reached, where it asks for more than its addresses. @default plainly */
  readonly nacos?: NacosOptions | undefined;
}

const NAME = 'dtm-driver-sponge';

/** How often consul connects, and when it drops an instance that it cannot connect to, in seconds. */
const CONNECT_SECONDS = 20;
const DEREGISTER_SECONDS = 60;

/**
 * Services as sponge registers and finds them: `discovery:///service` in etcd, consul or nacos, where
 * the name has `.grpc` behind it. A branch has its method behind that: `discovery:///service/pkg.Service/Method`.
 * Targets are `etcd://host:2379/service`, `consul://host:8500/service` and `nacos://host:8848/service`, the endpoint is
 * `grpc://host:port`.
 *
 * @param options - registry and credentials
 * @throws DtmConfigError when the registry is none
 */
export function spongeDriver(options: SpongeOptions = {}): DtmDriver {
  const { registry, etcd, consul, nacos } = options;
  return discoveryDriver({
    name: NAME,
    factory: 'spongeDriver',
    registry,
    kinds: {
      etcd: { defaultPort: 2379, open: (url) => new EtcdInstances(url, etcd) },
      consul: { defaultPort: 8500, open: (url) => new ConsulInstances(url, { ...consul, checks }) },
      nacos: {
        defaultPort: 8848,
        part: (query) => namespaceIn(query) ?? nacos?.namespace,
        open: (url) => new NacosInstances(url, nacos),
      },
    },
    defaultService: 'dtmservice',
    mostEndpoints: 1,
    idOf: (service, [endpoint]) => `${service}_${endpoint.scheme}_${endpoint.host}_${endpoint.port}`,
  });
}

function checks(_id: string, endpoints: InstanceEndpoints): ConsulCheck[] {
  return endpoints.map((endpoint) => ({
    tcp: formatHostPort(endpoint),
    intervalSeconds: CONNECT_SECONDS,
    status: 'passing',
    deregisterAfterSeconds: DEREGISTER_SECONDS,
  }));
}
