import { DtmConfigError } from '../../protocol/internal.js';
import type { DtmDriver } from '../driver.js';
import { grpcDriver, type DriverScheme } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import { fixedAddresses } from '../support/lookup/fixed-addresses.js';
import type { ConsulOptions } from '../support/registry/consul/consul-options.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-options.js';
import type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { optionsFingerprint } from '../support/tools/options-fingerprint.js';
import { ConsulAddresses } from './consul-addresses.js';
import { EtcdAddresses } from './etcd-addresses.js';
import type { GoZeroRegistry } from './go-zero-target.js';
import { K8sAddresses } from './k8s-addresses.js';
import { NacosAddresses } from './nacos-addresses.js';

/** Options of {@link goZeroDriver}. */
export interface GoZeroOptions {
  /** How etcd is reached, in addition to its addresses. @default without a user and TLS */
  readonly etcd?: EtcdOptions | undefined;
  /** How Consul is reached, in addition to its addresses. @default without a token and TLS */
  readonly consul?: ConsulOptions | undefined;
  /** How Kubernetes is reached. @default as from inside a pod */
  readonly k8s?: K8sOptions | undefined;
  /** How Nacos is reached, in addition to its addresses. @default without a user and TLS */
  readonly nacos?: NacosOptions | undefined;
}

const NAME = 'dtm-driver-gozero';

/**
 * Creates the driver of go-zero. A service has an address such as `etcd://host:2379/service`, with `discov`, `consul`, `nacos`,
 * `k8s` or `direct` as other schemes; a branch adds its method, `etcd://host:2379/service/pkg.Service/Method`. The target of a
 * registration is the address of the service in etcd, Consul or Nacos, the endpoint is `host:port`.
 *
 * @param options - users, tokens and certificates of the registries
 */
export function goZeroDriver(options: GoZeroOptions = {}): DtmDriver {
  const etcd = new EtcdAddresses(options.etcd);
  const consul = new ConsulAddresses(options.consul);
  const nacos = new NacosAddresses(options.nacos);
  const etcdScheme = (scheme: string): DriverScheme => ({
    form: `${scheme}://host:port,host:port/service/pkg.Service/Method`,
    source: etcd,
    registry: optionsFingerprint(options.etcd),
  });
  const schemes = {
    etcd: etcdScheme('etcd'),
    discov: etcdScheme('discov'),
    consul: {
      form: 'consul://host:port/service/pkg.Service/Method',
      source: consul,
      registry: optionsFingerprint(options.consul),
      withOptions: true,
    },
    nacos: {
      form: 'nacos://host:port/service/pkg.Service/Method',
      source: nacos,
      registry: optionsFingerprint(options.nacos),
      withOptions: true,
    },
    k8s: {
      form: 'k8s://namespace/service:port/pkg.Service/Method',
      source: new K8sAddresses(options.k8s),
      registry: optionsFingerprint(options.k8s),
    },
    direct: { form: 'direct:///host:port,host:port/pkg.Service/Method', source: fixedAddresses },
  };
  const registries = new Map<string, GoZeroRegistry>([
    ['etcd', etcd],
    ['discov', etcd],
    ['consul', consul],
    ['nacos', nacos],
  ]);

  return grpcDriver({
    name: NAME,
    schemes: () => schemes,
    prepareService(target, endpoint) {
      const url = parseRegistryUrl(target);
      const registry = registries.get(url.scheme);
      if (!registry || url.hosts.length === 0) {
        const why = registry ? 'no host' : `the scheme ${JSON.stringify(url.scheme)}`;
        throw new DtmConfigError(
          `driver ${NAME}: the target has ${why}; expected etcd://host:port/service, consul://host:port/service or ` +
            'nacos://host:port/service',
        );
      }
      const address = parseEndpoint(endpoint, NAME);
      const service = parseServiceName(url.path, `driver ${NAME}: the service in the target`);
      return registry.prepareService({ url, service, address });
    },
  });
}
