import { randomUUID } from 'node:crypto';
import { formatHostPort } from '../../support/host-port.js';
import type { DtmDriver } from '../driver.js';
import { ConsulInstances } from '../support/discovery/consul-instances.js';
import { discoveryDriver } from '../support/discovery/discovery-driver.js';
import { EtcdInstances } from '../support/discovery/etcd-instances.js';
import type { InstanceEndpoints } from '../support/discovery/service-instance.js';
import { fixedAddresses } from '../support/lookup/fixed-addresses.js';
import type { ConsulCheck } from '../support/registry/consul/consul-instance.js';
import type { ConsulOptions } from '../support/registry/consul/consul-options.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';

/** Options of {@link kratosDriver}. */
export interface KratosOptions {
  /**
   * The registry in which services are looked up: `etcd://host:2379,host:2379` or `consul://host:8500`.
   *
   * @default the registry of the first target
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, in addition to its addresses. @default without a user and TLS */
  readonly etcd?: EtcdOptions | undefined;
  /** How Consul is reached, in addition to its addresses. @default without a token and TLS */
  readonly consul?: ConsulOptions | undefined;
}

/** TTL of the heartbeat in Consul, in seconds; kratos' own. */
const TTL_SECONDS = 20;

/** How often Consul connects to an instance, in seconds; kratos' own. */
const CONNECT_SECONDS = 10;

/** When Consul drops an unhealthy instance, in seconds; kratos' own. */
const DEREGISTER_SECONDS = 600;

/**
 * Creates the driver of kratos. A service in etcd or Consul has the address `discovery:///service`, fixed addresses are
 * `direct:///host:port,host:port`; a branch adds its method, `discovery:///service/pkg.Service/Method`. The target of a
 * registration is `etcd://host:2379/service` or `consul://host:8500/service`, the endpoint is `grpc://host:port`.
 *
 * @param options - the registry and its credentials
 * @throws DtmConfigError when the registry cannot be used
 */
export function kratosDriver(options: KratosOptions = {}): DtmDriver {
  const { registry, etcd, consul } = options;
  return discoveryDriver({
    name: 'dtm-driver-kratos',
    factory: 'kratosDriver',
    registry,
    registries: {
      etcd: { defaultPort: 2379, open: (url) => new EtcdInstances(url, etcd) },
      consul: { defaultPort: 8500, open: (url) => new ConsulInstances(url, { ...consul, checks }) },
    },
    aliases: { discovery: 'etcd' },
    schemes: { direct: { form: 'direct:///host:port,host:port/pkg.Service/Method', source: fixedAddresses } },
    idOf: () => randomUUID(),
  });
}

/** The checks pass from the start: unlike in kratos, an instance is found before its first check. */
function checks(id: string, endpoints: InstanceEndpoints): ConsulCheck[] {
  const common = { status: 'passing', deregisterAfterSeconds: DEREGISTER_SECONDS } as const;
  return [
    ...endpoints.map((endpoint) => ({ tcp: formatHostPort(endpoint), intervalSeconds: CONNECT_SECONDS, ...common })),
    { id: `service:${id}`, ttlSeconds: TTL_SECONDS, ...common },
  ];
}
