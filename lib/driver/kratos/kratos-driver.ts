import { randomUUID } from 'node:crypto';
import { formatHostPort } from '../../support/host-port.js';
import { fixedAddresses } from '../support/lookup/grpc-resolver/fixed-addresses.js';
import type { DtmDriver } from '../driver.js';
import { ConsulInstances } from '../support/discovery/consul-instances.js';
import { discoveryDriver } from '../support/discovery/discovery-driver.js';
import { EtcdInstances } from '../support/discovery/etcd-instances.js';
import type { InstanceEndpoints } from '../support/discovery/service-instance.js';
import type { ConsulCheck } from '../support/registry/consul/consul-instance.js';
import type { ConsulOptions } from '../support/registry/consul/consul-registry.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-registry.js';

/** Options of {@link kratosDriver}. */
export interface KratosOptions {
  /**
   * The registry in which services are found: `etcd://host:2379,host:2379` or `consul://host:8500`.
   *
   * @default that of the target which is registered
   */
  readonly registry?: string | undefined;
  /** How etcd is reached, where it asks for more than its addresses. @default plainly */
  readonly etcd?: EtcdOptions | undefined;
  /** How consul is reached, where it asks for more than its addresses. @default plainly */
  readonly consul?: ConsulOptions | undefined;
}

/** Time to live of kratos' heartbeat in consul, and how often consul connects, in seconds. */
const TTL_SECONDS = 20;
const CONNECT_SECONDS = 10;

/** When consul drops an instance that is not well, in seconds. */
const DEREGISTER_SECONDS = 600;

/**
 * Services as kratos registers and finds them: `discovery:///service` in etcd or consul, and
 * `direct:///host:port,host:port`. A branch has its method behind that: `discovery:///service/pkg.Service/Method`.
 * Targets are `etcd://host:2379/service` and `consul://host:8500/service`, endpoints `grpc://host:port`.
 *
 * @param options - registry and credentials
 * @throws DtmConfigError when the registry is none
 */
export function kratosDriver(options: KratosOptions = {}): DtmDriver {
  const { registry, etcd, consul } = options;
  return discoveryDriver({
    name: 'dtm-driver-kratos',
    factory: 'kratosDriver',
    registry,
    kinds: {
      etcd: { defaultPort: 2379, open: (url) => new EtcdInstances(url, etcd) },
      consul: { defaultPort: 8500, open: (url) => new ConsulInstances(url, { ...consul, checks }) },
    },
    aliases: { discovery: 'etcd' },
    schemes: { direct: { form: 'direct:///host:port,host:port/pkg.Service/Method', source: fixedAddresses } },
    idOf: () => randomUUID(),
  });
}

/** What listens is well from the start: other than with kratos, it need not be proved before the first call. */
function checks(id: string, endpoints: InstanceEndpoints): ConsulCheck[] {
  const common = { status: 'passing', deregisterAfterSeconds: DEREGISTER_SECONDS } as const;
  return [
    ...endpoints.map((endpoint) => ({ tcp: formatHostPort(endpoint), intervalSeconds: CONNECT_SECONDS, ...common })),
    { id: `service:${id}`, ttlSeconds: TTL_SECONDS, ...common },
  ];
}
