import { DtmConfigError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import { fixedAddresses } from '../support/lookup/grpc-resolver/fixed-addresses.js';
import type { DtmDriver, PreparedService } from '../driver.js';
import { optionsFingerprint } from '../support/tools/options-fingerprint.js';
import { grpcDriver, type DriverScheme } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import type { ConsulOptions } from '../support/registry/consul/consul-registry.js';
import type { EtcdOptions } from '../support/registry/etcd/etcd-registry.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import type { K8sOptions } from '../support/registry/k8s/k8s-endpoints.js';
import { parseRegistryUrl, type RegistryUrl } from '../support/registry/registry-url.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { ConsulAddresses } from './consul-addresses.js';
import { EtcdAddresses } from './etcd-addresses.js';
import { K8sAddresses } from './k8s-addresses.js';
import { NacosAddresses } from './nacos-addresses.js';

/** Options of {@link goZeroDriver}. */
export interface GoZeroOptions {
  /** How etcd is reached, where it asks for more than its addresses. @default plainly */
  readonly etcd?: EtcdOptions | undefined;
  /** How consul is reached, where it asks for more than its addresses. @default plainly */
  readonly consul?: ConsulOptions | undefined;
  /** How Kubernetes is reached. @default as from inside of a pod */
  readonly k8s?: K8sOptions | undefined;
  /** How Nacos is reached, where it asks for more than its addresses. @default plainly */
  readonly nacos?: NacosOptions | undefined;
}

const NAME = 'dtm-driver-gozero';

/**
 * Services as go-zero registers and finds them: `etcd://host:2379/service` and the same with `discov`,
 * `consul://host:8500/service`, `nacos://host:8848/service`, `direct:///host:port,host:port`, `k8s://namespace/service:port`.
 * A branch has its method behind that: `etcd://host:2379/service/pkg.Service/Method`.
 *
 * @param options - credentials
 */
export function goZeroDriver(options: GoZeroOptions = {}): DtmDriver {
  const etcd = new EtcdAddresses(options.etcd);
  const consul = new ConsulAddresses(options.consul);
  const nacos = new NacosAddresses(options.nacos);
  const inEtcd = (scheme: string): DriverScheme => ({
    form: `${scheme}://host:port,host:port/service/pkg.Service/Method`,
    source: etcd,
    registry: optionsFingerprint(options.etcd),
  });
  const schemes = {
    etcd: inEtcd('etcd'),
    discov: inEtcd('discov'),
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

  const registerIn: Readonly<Record<string, (url: RegistryUrl, service: string, endpoint: string) => PreparedService>> =
    {
      etcd: (url, service, endpoint) => {
        const hosts = url.hosts.map(formatHostPort).join();
        const user = url.query.get('user') ?? url.user;
        if (user !== undefined)
          etcd.useCredentials(hosts, { user, password: url.query.get('password') ?? url.password });
        return { register: (report) => etcd.register(hosts, service, endpoint, report) };
      },
      consul: (url, service, endpoint) => {
        const address = parseEndpoint(endpoint, NAME);
        return { register: (report) => consul.register(url, service, address, report) };
      },
      nacos: (url, _, endpoint) => nacos.prepareService(url, parseEndpoint(endpoint, NAME)),
    };

  return grpcDriver({
    name: NAME,
    schemes: () => schemes,
    prepareService(target, endpoint) {
      const url = parseRegistryUrl(target);
      const register = registerIn[url.scheme === 'discov' ? 'etcd' : url.scheme];
      if (!register || url.hosts.length === 0) {
        const known = Object.keys(registerIn)
          .map((scheme) => `${scheme}://host:port/service`)
          .join(', ');
        throw new DtmConfigError(
          `driver ${NAME} registers services at ${known}; ${JSON.stringify(url.scheme)} is none`,
        );
      }
      parseEndpoint(endpoint, NAME);
      return register(url, parseServiceName(url.path, `driver ${NAME}: the service in the target`), endpoint);
    },
  });
}
