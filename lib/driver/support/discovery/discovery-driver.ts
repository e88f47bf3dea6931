import { DtmArgumentError, DtmConfigError } from '../../../protocol/internal.js';
import type { DtmDriver } from '../../driver.js';
import type { AddressSource } from '../lookup/grpc-resolver/address-source.js';
import { grpcDriver, type DriverScheme } from '../base/grpc-driver.js';
import { parseServiceName } from '../registry/parse-service-name.js';
import { DiscoveryRegistries, type RegistryType } from './discovery-registries.js';
import { endpointsIn, type InstanceEndpoints } from './service-instance.js';

/** What makes a {@link discoveryDriver}. */
export interface DiscoveryDriverParts {
  /** Name of the driver. */
  readonly name: string;
  /** Name of what makes it, for messages. */
  readonly factory: string;
  /** Which registries there are, by the scheme of their URLs. */
  readonly kinds: Readonly<Record<string, RegistryType>>;
  /** Other names of their schemes. @default they have none */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** URL of the registry in which services are found. @default that of the first target that is given */
  readonly registry?: string | undefined;
  /** Further schemes whose URLs can be called. @default none */
  readonly schemes?: Readonly<Record<string, DriverScheme>> | undefined;
  /** Name of a service whose target has none. @default each has one */
  readonly defaultService?: string | undefined;
  /** Most endpoints of an instance. @default any number */
  readonly mostEndpoints?: number | undefined;
  /**
   * The id of an instance.
   *
   * @param service - name of the service
   * @param endpoints - its endpoints, at least one
   */
  idOf(service: string, endpoints: InstanceEndpoints): string;
}

/**
 * A driver of services that are called `discovery:///service`, whichever registry they stand in. In a process that is one
 * registry, as gRPC has one table of schemes.
 *
 * @param parts - what is the framework's own
 * @throws DtmConfigError when the registry is none
 */
export function discoveryDriver(parts: DiscoveryDriverParts): DtmDriver {
  const { name, factory, mostEndpoints = Infinity, defaultService = '' } = parts;
  const places = new DiscoveryRegistries(name, parts.kinds, parts.aliases);
  let found = parts.registry === undefined ? undefined : places.registry(parts.registry);

  const unknown = (service: string): DtmArgumentError => {
    const [form] = places.forms;
    return new DtmArgumentError(
      `driver ${name} does not know where to look ${service} up; name the registry: ${factory}({ registry: '${form}' }), ` +
        `or register a service with a target ${form}/service`,
    );
  };

  // the authority is of no account, as in Go
  const source: AddressSource = {
    check({ path }) {
      parseServiceName(path);
      if (!found) throw unknown(path);
    },
    watch: ({ path }, listener) => found!.instances.watch(path, listener),
  };

  const driver = grpcDriver({
    name,
    schemes: () => ({
      discovery: {
        form: 'discovery:///service/pkg.Service/Method',
        source,
        registry: found?.url,
        isProvisional: !found,
      },
      ...parts.schemes,
    }),
    prepareService(target, endpoint) {
      const { path, place } = places.service(target);
      const service = parseServiceName(
        hasPath(target) ? path : defaultService,
        `driver ${name}: the service in the target`,
      );
      const endpoints = endpointsIn(endpoint, name);
      if (endpoints.length > mostEndpoints) {
        const why = `the endpoint is a single URL, grpc://host:port; ${JSON.stringify(endpoint)} are several`;
        throw new DtmConfigError(`driver ${name}: ${why}`);
      }
      found ??= place;
      const id = parts.idOf(service, endpoints);
      const urls = endpoints.map(({ url }) => url);
      // in the order in which Go writes it
      const instance = { id, name: service, version: '', metadata: null, endpoints: urls } as const;
      return { register: (options) => place.instances.register(instance, endpoints, options) };
    },
  });

  return {
    ...driver,
    parseServerMethod(uri) {
      const method = driver.parseServerMethod(uri);
      if (!found && method.server.startsWith('discovery:')) throw unknown(method.server);
      return method;
    },
  };
}

function hasPath(target: string): boolean {
  return /^[^/]*\/\/[^/?]*\//.test(target);
}
