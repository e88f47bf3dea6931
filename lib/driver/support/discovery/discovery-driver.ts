import { DtmArgumentError, DtmConfigError } from '../../../protocol/internal.js';
import type { DtmDriver } from '../../driver.js';
import { grpcDriver, type DriverScheme } from '../base/grpc-driver.js';
import type { AddressSource } from '../lookup/address-source.js';
import { parseServiceName } from '../registry/parse-service-name.js';
import { DiscoveryRegistries, type RegistryType } from './discovery-registries.js';
import { parseEndpoints, type InstanceEndpoints, type ServiceInstance } from './service-instance.js';

/** The parts of a {@link discoveryDriver} that belong to the framework. */
export interface DiscoveryDriverDefinition {
  /** Name of the driver. */
  readonly name: string;
  /** Name of the driver's factory, for messages. */
  readonly factory: string;
  /** The types of registries by the scheme of their URLs. */
  readonly registries: Readonly<Record<string, RegistryType>>;
  /** Other names of these schemes. @default none */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** URL of the registry in which services are looked up. @default the registry of the first target */
  readonly registry?: string | undefined;
  /** Further schemes that gRPC is to resolve. @default none */
  readonly schemes?: Readonly<Record<string, DriverScheme>> | undefined;
  /** Name of the service for a target without a path. @default a target needs a path */
  readonly defaultService?: string | undefined;
  /** The most endpoints of an instance. @default any number */
  readonly maxEndpoints?: number | undefined;
  /** Creates the id of an instance. */
  idOf(service: string, endpoints: InstanceEndpoints): string;
}

/**
 * A driver of a framework whose services are called `discovery:///service` in every registry. gRPC has one table of schemes, so
 * that a process looks services up in one registry.
 *
 * @throws DtmConfigError when the registry cannot be used
 */
export function discoveryDriver(definition: DiscoveryDriverDefinition): DtmDriver {
  const { name, factory, maxEndpoints = Infinity, defaultService = '' } = definition;
  const registries = new DiscoveryRegistries(name, definition.registries, definition.aliases);
  let lookup = definition.registry === undefined ? undefined : registries.parseRegistry(definition.registry);

  const noRegistry = (service: string): DtmArgumentError => {
    const [form] = registries.forms;
    return new DtmArgumentError(
      `driver ${name} has no registry to look ${service} up in; create it with ${factory}({ registry: '${form}' }), or ` +
        `register a service with a target ${form}/service`,
    );
  };

  // the authority has no meaning, as in Go
  const source: AddressSource = {
    parse({ path }) {
      const service = parseServiceName(path);
      if (!lookup) throw noRegistry(service);
      return lookup.instances.watch(service);
    },
  };

  const driver = grpcDriver({
    name,
    schemes: () => ({
      discovery: {
        form: 'discovery:///service/pkg.Service/Method',
        source,
        registry: lookup?.url,
        isProvisional: !lookup,
      },
      ...definition.schemes,
    }),
    prepareService(target, endpoint) {
      const { path, registry } = registries.parseTarget(target);
      const service = parseServiceName(
        hasPath(target) ? path : defaultService,
        `driver ${name}: the service in the target`,
      );
      const endpoints = parseEndpoints(endpoint, name);
      if (endpoints.length > maxEndpoints) {
        throw new DtmConfigError(
          `driver ${name}: the endpoint ${JSON.stringify(endpoint)} has ${endpoints.length} URLs; expected grpc://host:port`,
        );
      }
      lookup ??= registry;
      const id = definition.idOf(service, endpoints);
      const urls = endpoints.map(({ url }) => url);
      // in the order in which Go writes the fields
      const instance: ServiceInstance = { id, name: service, version: '', metadata: null, endpoints: urls };
      return { register: (options) => registry.instances.register(instance, endpoints, options) };
    },
  });

  return {
    ...driver,
    parseServerMethod(uri) {
      const parsed = driver.parseServerMethod(uri);
      if (!lookup && parsed.server.startsWith('discovery:')) throw noRegistry(parsed.server);
      return parsed;
    },
  };
}

/** A URL with a slash but no name behind it is a mistake, which the default must not hide. */
function hasPath(target: string): boolean {
  return /^[^/]*\/\/[^/?]*\//.test(target);
}
