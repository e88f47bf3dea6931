import { DtmArgumentError, DtmConfigError } from '../../protocol/internal.js';
import { formatHostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import type { DtmDriver, PreparedService } from '../driver.js';
import { DEFAULT_TIMEOUTS, SharedAddressSource } from '../support/lookup/grpc-resolver/shared-address-source.js';
import type { HttpNameResolver } from '../support/lookup/http-resolver/http-name-resolver.js';
import { AddressCache } from '../support/lookup/http-resolver/address-cache.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import type { EurekaOptions } from '../support/registry/eureka/eureka-options.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { parseRegistryUrl } from '../support/registry/registry-url.js';
import { EurekaServices } from './eureka-services.js';
import { NacosServices } from './nacos-services.js';
import { isNamedUrl, isHttpScheme, parseNamedUrl } from './named-url.js';
import { eurekaBranchUrl, springBranchUrl } from './spring-branch-url.js';
import type { SpringServices } from './spring-services.js';
import { parseTarget } from './spring-target.js';

/** Nacos, for {@link springCloudDriver}. */
export interface SpringNacos extends NacosOptions {
  /** Members of its cluster, `host:port,host:port`; 8848 where there is no port. */
  readonly hosts: string;
  /** Group of the coordinator, where its URL cannot name it. @default 'DEFAULT_GROUP' */
  readonly group?: string | undefined;
}

/** Eureka, for {@link springCloudDriver}. */
export interface SpringEureka extends EurekaOptions {
  /** Its servers, e.g. `http://user:password@eureka:8761/eureka`. */
  readonly serviceUrls: readonly string[];
  /**
   * Who calls the branches: Go dtm finds no services in Eureka, so that `branchUrl`, `branchOf` and `endpoint.http` refuse
   * their names unless it is the coordinator of this package, embedded or as `nestjs-dtm serve`.
   *
   * @default 'dtm'
   */
  readonly coordinator?: 'dtm' | 'nestjs-dtm' | undefined;
}

/** Options of {@link springCloudDriver}: one of the registries. */
export interface SpringCloudOptions {
  /** Services are looked for in Nacos. @default in the registry of the target */
  readonly nacos?: SpringNacos | undefined;
  /** Services are looked for in Eureka. @default in the registry of the target */
  readonly eureka?: SpringEureka | undefined;
}

const NAME = 'dtm-driver-springcloud';

/**
 * Services of HTTP as Spring Cloud registers and finds them: in Nacos, as dtm's own driver does, or in
 * Eureka. A branch is `nacos://service/path`, the coordinator `nacos://dtmService/api/dtmsvr` or, as for a Java client,
 * `http://dtmService/api/dtmsvr`.
 *
 * Which registry that is a target says, for whoever registers a service, or the options.
 *
 * @param options - see {@link SpringCloudOptions}
 * @throws DtmConfigError when they name two registries, or none that exists
 */
export function springCloudDriver(options: SpringCloudOptions = {}): DtmDriver {
  let used: { services: SpringServices; shared: SharedAddressSource; names: AddressCache } | undefined;
  /** Names are looked up in one registry: the one that was named first. */
  const use = <T extends SpringServices>(services: T): T => {
    if (used && used.services.registry !== services.registry) {
      throw new DtmConfigError(
        `driver ${NAME}: ${services.registry} is another registry than ${used.services.registry}, where names are looked up; ` +
          'targets and options must agree',
      );
    }
    if (!used) {
      const shared = new SharedAddressSource(services, DEFAULT_TIMEOUTS);
      used = { services, shared, names: new AddressCache(shared) };
    }
    return used.services as T;
  };
  const useNacos = (hosts: string, given: NacosOptions, group?: string): NacosServices =>
    use(new NacosServices(parseRegistryUrl(`nacos://${hosts}`, 8848).hosts, given, group));
  const useEureka = (serviceUrls: readonly string[], given: EurekaOptions): EurekaServices =>
    use(new EurekaServices(serviceUrls, given));

  const { nacos, eureka } = options;
  if (nacos) useNacos(nacos.hosts, nacos, nacos.group);
  if (eureka) useEureka(eureka.serviceUrls, eureka);

  const http: HttpNameResolver = {
    isNamed: isNamedUrl,
    check: (url) => void parseNamedUrl(url),
    async resolve(url) {
      const named = parseNamedUrl(url);
      if (!used) {
        throw new DtmConfigError(
          `driver ${NAME} knows no registry to find ${JSON.stringify(named.service)} in; give it a target, or ` +
            "springCloudDriver({ nacos: { hosts: 'nacos:8848' } })",
        );
      }
      const address = await used.names.one(used.services.targetOf(named));
      const scheme = address.secure ? 'https' : isHttpScheme(named.scheme) ? named.scheme : 'http';
      return { url: `${scheme}://${formatHostPort(address)}${named.rest}` };
    },
  };

  const base = grpcDriver({
    name: NAME,
    // services are not called by name over gRPC
    schemes: () => ({}),
    prepareService(target, endpoint): PreparedService {
      const parsed = parseTarget(target, parseEndpoint(endpoint, NAME));
      if (parsed.type === 'eureka') {
        const { serviceUrls, client, instance } = parsed;
        return useEureka(serviceUrls, { ...eureka, ...defined(client) }).prepareService(instance);
      }
      const { addr, client, instance } = parsed;
      return useNacos(addr, { ...nacos, ...defined(client) }, nacos?.group ?? instance.group).prepareService(instance);
    },
  });

  return {
    ...base,
    http,
    parseServerMethod(uri) {
      if (!uri.includes('://')) return splitBranchUrl(uri, { driver: NAME, schemes: {} });
      throw new DtmArgumentError(
        `bad url: '${redactUrls(uri)}'. with the driver ${NAME} services are called by name over HTTP only; ` +
          'a gRPC branch is written host:port/pkg.Service/Method',
      );
    },
    branchUrl: (service, method) =>
      eureka?.coordinator === 'nestjs-dtm'
        ? eurekaBranchUrl(service, method)
        : springBranchUrl(service, method, used?.services),
    async close() {
      used?.names.close();
      used?.shared.endUnused();
    },
  };
}

/** What is not given does not hide what the options say. */
function defined<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>;
}
