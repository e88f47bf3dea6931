import { DtmArgumentError, DtmConfigError } from '../../protocol/internal.js';
import { formatHostPort, type HostPort } from '../../support/host-port.js';
import { redactUrls } from '../../support/redact-urls.js';
import type { DtmDriver } from '../driver.js';
import { grpcDriver } from '../support/base/grpc-driver.js';
import { parseEndpoint } from '../support/base/parse-endpoint.js';
import { splitBranchUrl } from '../support/base/split-branch-url.js';
import { AddressCache } from '../support/lookup/http-resolver/address-cache.js';
import type { HttpNameResolver } from '../support/lookup/http-resolver/http-name-resolver.js';
import { SharedWatches } from '../support/lookup/shared-watches.js';
import type { EurekaOptions } from '../support/registry/eureka/eureka-options.js';
import type { NacosOptions } from '../support/registry/nacos/nacos-options.js';
import { EurekaServices } from './eureka-services.js';
import { NacosServices } from './nacos-services.js';
import { isHttpScheme, isNamedUrl, parseNamedUrl } from './named-url.js';
import { eurekaBranchUrl, springBranchUrl } from './spring-branch-url.js';
import type { SpringServices } from './spring-services.js';
import { parseNacosHosts, parseTarget } from './spring-target.js';

/** Nacos, for {@link springCloudDriver}. */
export interface SpringNacos extends NacosOptions {
  /** Members of the cluster, `host:port,host:port`; the default port is 8848. */
  readonly hosts: string;
  /** Group of the coordinator, for a URL that cannot name one. @default 'DEFAULT_GROUP' */
  readonly group?: string | undefined;
}

/** Eureka, for {@link springCloudDriver}. */
export interface SpringEureka extends EurekaOptions {
  /** URLs of the servers, e.g. `http://user:password@eureka:8761/eureka`. */
  readonly serviceUrls: readonly string[];
  /**
   * The coordinator that calls the branches. Go dtm does not look services up in Eureka, so that `branchUrl`, `branchOf` and
   * `endpoint.http` refuse a name unless the coordinator is `'nestjs-dtm'`, embedded or as `nestjs-dtm serve`.
   *
   * @default 'dtm'
   */
  readonly coordinator?: 'dtm' | 'nestjs-dtm' | undefined;
}

/** Options of {@link springCloudDriver}: one of the two registries. */
export interface SpringCloudOptions {
  /** Looks services up in Nacos. @default the registry of the first target */
  readonly nacos?: SpringNacos | undefined;
  /** Looks services up in Eureka. @default the registry of the first target */
  readonly eureka?: SpringEureka | undefined;
}

const NAME = 'dtm-driver-springcloud';

/**
 * Creates the driver of Spring Cloud, for HTTP services in Nacos, as in Go dtm, or in Eureka. A branch is `nacos://service/path`,
 * the coordinator `nacos://dtmService/api/dtmsvr` or, as for a Java client, `http://dtmService/api/dtmsvr`. The target of a
 * registration is a JSON object, the endpoint is `host:port`.
 *
 * @param options - the registry and its credentials
 * @throws DtmConfigError when the options name two registries, or a registry that cannot be used
 */
export function springCloudDriver(options: SpringCloudOptions = {}): DtmDriver {
  /** Names are looked up in one registry, the first that an option or a target has named. */
  let lookup: SpringServices | undefined;
  const watches = new SharedWatches();
  const cache = new AddressCache();
  const useForLookup = <T extends SpringServices>(services: T): T => {
    if (lookup && lookup.registry !== services.registry) {
      throw new DtmConfigError(
        `driver ${NAME}: ${services.registry} is not ${lookup.registry}, where services are looked up; give all targets and ` +
          'options the same registry',
      );
    }
    lookup ??= services;
    return lookup as T;
  };
  const useNacos = (hosts: readonly HostPort[], nacos: NacosOptions, group?: string): NacosServices =>
    useForLookup(new NacosServices(hosts, nacos, group));
  const useEureka = (serviceUrls: readonly string[], eureka: EurekaOptions): EurekaServices =>
    useForLookup(new EurekaServices(serviceUrls, eureka));

  const { nacos, eureka } = options;
  if (nacos) useNacos(parseNacosHosts(nacos.hosts), nacos, nacos.group);
  if (eureka) useEureka(eureka.serviceUrls, eureka);

  const http: HttpNameResolver = {
    isNamed: isNamedUrl,
    check: (url) => void parseNamedUrl(url),
    async resolve(url, waitMs) {
      const named = parseNamedUrl(url);
      if (!lookup) {
        throw new DtmConfigError(
          `driver ${NAME} has no registry to look ${JSON.stringify(named.service)} up in; register a service, or create the ` +
            "driver with springCloudDriver({ nacos: { hosts: 'nacos:8848' } })",
        );
      }
      const { name, watch } = lookup.lookup(named);
      const address = await cache.pick(name, (listener) => watches.join(name, watch, listener), waitMs);
      const scheme = address.secure ? 'https' : isHttpScheme(named.scheme) ? named.scheme : 'http';
      return { url: `${scheme}://${formatHostPort(address)}${named.rest}` };
    },
  };

  const base = grpcDriver({
    name: NAME,
    // names are called over HTTP only
    schemes: () => ({}),
    prepareService(target, endpoint) {
      const parsed = parseTarget(target, parseEndpoint(endpoint, NAME));
      if (parsed.type === 'eureka') {
        const { serviceUrls, client, instance } = parsed;
        return useEureka(serviceUrls, { ...eureka, ...definedOf(client) }).prepareService(instance);
      }
      const { hosts, client, instance } = parsed;
      const group = nacos?.group ?? instance.group;
      return useNacos(hosts, { ...nacos, ...definedOf(client) }, group).prepareService(instance);
    },
  });

  return {
    ...base,
    http,
    parseServerMethod(uri) {
      if (!uri.includes('://')) return splitBranchUrl(uri, { driver: NAME, schemes: {} });
      throw new DtmArgumentError(
        `branch URL '${redactUrls(uri)}' is invalid: the driver ${NAME} calls services by name over HTTP only; expected a gRPC branch as ` +
          'host:port/pkg.Service/Method',
      );
    },
    branchUrl: (service, method) =>
      eureka?.coordinator === 'nestjs-dtm'
        ? eurekaBranchUrl(service, method)
        : springBranchUrl(service, method, lookup),
    async close() {
      cache.close();
      watches.endUnused();
    },
  };
}

/** An undefined field must not override an option. */
function definedOf<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
