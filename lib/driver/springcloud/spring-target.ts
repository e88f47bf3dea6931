import { DtmConfigError } from '../../protocol/internal.js';
import type { Address } from '../support/lookup/address.js';
import type { EurekaInstance } from '../support/registry/eureka/eureka-instance.js';
import type { NacosInstance } from '../support/registry/nacos/nacos-instance.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { parseServiceName } from '../support/registry/parse-service-name.js';
import { GoJson } from './go-json.js';

/** What a target says: which registry, and what is entered there. */
export type SpringTarget =
  | {
      readonly type: 'nacos';
      /** Members, `host:port,host:port`. */
      readonly addr: string;
      readonly client: Pick<NacosOptions, 'user' | 'password' | 'namespace' | 'contextPath'>;
      readonly instance: NacosInstance;
    }
  | {
      readonly type: 'eureka';
      readonly serviceUrls: readonly string[];
      readonly client: { readonly user?: string | undefined; readonly password?: string | undefined };
      readonly instance: EurekaInstance;
    };

/** Weight where none is given, as Go's. */
const WEIGHT = 10;

/** Ways to Nacos that are not there; who counts on them should know. */
const UNSUPPORTED = ['Endpoint', 'AccessKey', 'SecretKey'] as const;

const EXAMPLE = '{"Addr":"nacos:8848","Type":"nacos","InstanceConfig":{"ServiceName":"dtmService"}}';

/**
 * Reads the target of Go's driver, a JSON object, and the same for Eureka. Other than in Go what is not
 * given is enabled, healthy and ephemeral.
 *
 * @param text - the target
 * @param address - where the service is reached
 * @throws DtmConfigError when it cannot be used
 * @throws DtmArgumentError when a name is none
 */
export function parseTarget(text: string, address: Address): SpringTarget {
  const target = GoJson.parse(text, `the target, which is written like ${EXAMPLE},`);
  const [type, addr] = [target.string('Type'), target.string('Addr')];
  if (type !== 'nacos' && type !== 'eureka') {
    throw new DtmConfigError(`the target has the Type ${JSON.stringify(type ?? '')}; expected "nacos" or "eureka"`);
  }
  if (addr === undefined) throw new DtmConfigError(`the target has no Addr; it is written like ${EXAMPLE}`);
  const [config, entry] = [target.object('ClientConfig'), target.object('InstanceConfig')];
  const service = parseServiceName(entry.string('ServiceName') ?? '', 'InstanceConfig.ServiceName');
  const metadata = entry.texts('Metadata');
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
  if (unsupported) throw new DtmConfigError(`ClientConfig.${unsupported} is not supported; give Addr, and Username`);
  const client = { ...login, namespace: config.string('NamespaceId'), contextPath: config.string('ContextPath') };
  const instance = {
    service,
    address,
    metadata,
    group: named(entry.string('GroupName'), 'InstanceConfig.GroupName'),
    cluster: named(entry.string('ClusterName'), 'InstanceConfig.ClusterName'),
    weight: weightOf(entry.number('Weight')),
    enabled: entry.boolean('Enable'),
    healthy: entry.boolean('Healthy'),
    ephemeral: entry.boolean('Ephemeral'),
  };
  return { type, addr, client, instance };
}

function named(name: string | undefined, what: string): string | undefined {
  return name === undefined ? undefined : parseServiceName(name, what);
}

function weightOf(weight = WEIGHT): number {
  if (weight === 0) return WEIGHT;
  if (weight >= 1) return weight;
  throw new DtmConfigError(`InstanceConfig.Weight is ${weight}; Go dtm panics on weights below 1`);
}
