import { formatHostPort } from '../../support/host-port.js';
import type { DtmDriver } from '../driver.js';
import { ConsulInstances } from '../support/discovery/consul-instances.js';
import { discoveryDriver } from '../support/discovery/discovery-driver.js';
import { EtcdInstances } from '../support/discovery/etcd-instances.js';
import { namespaceIn, NacosInstances } from '../support/discovery/nacos-instances.js';
import type { InstanceEndpoints } from '../support/discovery/service-instance.js';
import type { ConsulCheck } from '../support/registry/consul/consul-instance.js';
import type { ConsulOptions } from '../support/registry/consul/consul-options.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';

/** Options of {@link spongeDriver}. */
export interface SpongeOptions {
  /**
   * The registry in which services are looked up: `etcd://host:2379`, `consul://host:8500` or `nacos://host:8848`.
   *
   * @default the registry of the first target
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, in addition to its addresses. @default without a user and TLS */
  readonly etcd?: EtcdOptions | undefined;
  /** How Consul is reached, in addition to its addresses. @default without a token and TLS */
  readonly consul?: ConsulOptions | undefined;
  /** How Nacos is reached, in addition to its addresses. @default without a user and TLS */
  readonly nacos?: NacosOptions | undefined;
}

/** How often Consul connects to an instance, in seconds; sponge's own. */
const CONNECT_SECONDS = 20;

/** When Consul drops an instance that it cannot connect to, in seconds; sponge's own. */
const DEREGISTER_SECONDS = 60;

/**
 * Creates the driver of sponge. A service in etcd, Consul or Nacos has the address `discovery:///service`; a branch adds its
 * method, `discovery:///service/pkg.Service/Method`. In Nacos sponge appends `.grpc` to the name. The target of a registration is
 * `etcd://host:2379/service`, `consul://host:8500/service` or `nacos://host:8848/service`, the endpoint is
 * `grpc://host:port`.
 *
 * @param options - the registry and its credentials
 * @throws DtmConfigError when the registry cannot be used
 */
export function spongeDriver(options: SpongeOptions = {}): DtmDriver {
  const { registry, etcd, consul, nacos } = options;
  return discoveryDriver({
    name: 'dtm-driver-sponge',
    factory: 'spongeDriver',
    registry,
    registries: {
      etcd: { defaultPort: 2379, open: (url) => new EtcdInstances(url, etcd) },
      consul: { defaultPort: 8500, open: (url) => new ConsulInstances(url, { ...consul, checks }) },
      nacos: {
        defaultPort: 8848,
        namespaceOf: (query) => namespaceIn(query) ?? nacos?.namespace,
        open: (url) => new NacosInstances(url, nacos),
      },
    },
    defaultService: 'dtmservice',
    maxEndpoints: 1,
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
