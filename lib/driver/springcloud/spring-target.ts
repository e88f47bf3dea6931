import { DtmConfigError } from '../../protocol/internal.js';
import type { HostPort } from '../../support/host-port.js';
import type { EurekaInstance } from '../support/registry/eureka/eureka-instance.js';
import type { NacosInstance } from '../support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { GoJson } from './go-json.js';

/** A parsed target: the registry, and the instance to register in it. */
export type SpringTarget =
  | {
      readonly type: 'nacos';
      /** Members of the cluster. */
      readonly hosts: readonly HostPort[];
      readonly client: Pick<NacosOptions, 'user' | 'password' | 'namespace' | 'contextPath'>;
      readonly instance: NacosInstance;
    }
  | {
      readonly type: 'eureka';
      readonly serviceUrls: readonly string[];
      readonly client: { readonly user?: string | undefined; readonly password?: string | undefined };
      readonly instance: EurekaInstance;
    };

/** Port of a Nacos without one. */
const NACOS_PORT = 8848;

/** Weight of a target without one; Go's own. */
const DEFAULT_WEIGHT = 10;

/** Settings of Go's client that have no counterpart here, and must not be ignored. */
const UNSUPPORTED = ['Endpoint', 'AccessKey', 'SecretKey'] as const;

const EXAMPLE = '{"Addr":"nacos:8848","Type":"nacos","InstanceConfig":{"ServiceName":"dtmService"}}';

/** Parses the members of a Nacos cluster, `host:port,host:port`. */
export function parseNacosHosts(hosts: string): readonly HostPort[] {
  return parseRegistryUrl(`nacos://${hosts}`, NACOS_PORT).hosts;
}

/**
 * Parses the target of Go's driver, a JSON object, and its counterpart for Eureka. Unlike in Go, an instance is enabled, healthy
 * and ephemeral by default.
 *
 * @throws DtmConfigError when the target cannot be used
 * @throws DtmArgumentError for a name that is not allowed
 */
export function parseTarget(text: string, address: HostPort): SpringTarget {
  const target = GoJson.parse(text, 'the target', EXAMPLE);
  const [type, addr] = [target.string('Type'), target.string('Addr')];
  if (type !== 'nacos' && type !== 'eureka') {
    throw new DtmConfigError(`the target has the Type ${JSON.stringify(type ?? '')}; expected "nacos" or "eureka"`);
  }
  if (addr === undefined) throw new DtmConfigError(`the target has no Addr; expected e.g. ${EXAMPLE}`);
  const [config, entry] = [target.object('ClientConfig'), target.object('InstanceConfig')];
  const service = parseServiceName(entry.string('ServiceName') ?? '', 'InstanceConfig.ServiceName');
  const metadata = entry.strings('Metadata');
  const login = { user: config.string('Username'), password: config.string('Password') };
  if (type === 'eureka') {
    const serviceUrls = addr.split(',').map((url) => (url.includes('://') ? url : `http://${url}/eureka`));
    return {
      type,
      serviceUrls,
      client: login,
      instance: { service, address, metadata, secure: entry.boolean('Secure') },
    };
  }

  const unsupported = UNSUPPORTED.find((name) => config.string(name));
  if (unsupported) throw new DtmConfigError(`ClientConfig.${unsupported} is not supported; give Addr and Username`);
  const client = { ...login, namespace: config.string('NamespaceId'), contextPath: config.string('ContextPath') };
  const instance = {
    service,
    address,
    metadata,
    group: parseOptionalName(entry.string('GroupName'), 'InstanceConfig.GroupName'),
    cluster: parseOptionalName(entry.string('ClusterName'), 'InstanceConfig.ClusterName'),
    weight: parseWeight(entry.number('Weight')),
    enabled: entry.boolean('Enable'),
    healthy: entry.boolean('Healthy'),
    ephemeral: entry.boolean('Ephemeral'),
  };
  return { type, hosts: parseNacosHosts(addr), client, instance };
}

function parseOptionalName(name: string | undefined, what: string): string | undefined {
  return name === undefined ? undefined : parseServiceName(name, what);
}

function parseWeight(weight = DEFAULT_WEIGHT): number {
  if (weight === 0) return DEFAULT_WEIGHT;
  if (weight >= 1) return weight;
  throw new DtmConfigError(`InstanceConfig.Weight is ${weight}; Go dtm panics on weights below 1`);
}
