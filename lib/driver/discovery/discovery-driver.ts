import { DtmArgumentError, DtmConfigError } from '../../protocol/index.js';
import { addressList } from '../address-list.js';
import type { DtmDriver } from '../driver.js';
import type { AddressSource, GrpcTarget } from '../grpc-resolver/address-source.js';
import { hostPort } from '../host-port.js';
import { registryDriver, type DriverScheme } from '../registry-driver.js';
import { parseRegistryUrl, type RegistryUrl } from '../registry/registry-url.js';
import { checkServiceName } from '../registry/service-name.js';
import type { InstanceRegistry } from './instance-registry.js';
import { endpointOf, type InstanceEndpoint, type ServiceInstance } from './service-instance.js';

/** What makes a {@link discoveryDriver}. */
export interface DiscoveryDriverParts {
  /** Name of the driver. */
  readonly name: string;
  /** Name of what makes it, for messages. */
  readonly factory: string;
  /** Which registries there are, by the scheme of their URLs. */
  readonly kinds: Readonly<Record<string, RegistryKind>>;
  /** Other names of their schemes. @default they have none */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** URL of the registry in which services are found. @default that of the first target that is given */
  readonly registry?: string | undefined;
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
  idOf(service: string, endpoints: readonly [InstanceEndpoint, ...InstanceEndpoint[]]): string;
}

/** A kind of registry. */
export interface RegistryKind {
  /** Where it listens by default. */
  readonly defaultPort: number;
  /** Parts of it, as the query of its URL says: the same service may stand in several. @default it has none */
  readonly part?: ((query: URLSearchParams) => string | undefined) | undefined;
  /** @param url - of the registry */
  open(url: RegistryUrl): InstanceRegistry;
}

/** One of the registries of a driver. */
interface Place {
  /** Its URL without secrets. */
  readonly url: string;
  readonly instances: InstanceRegistry;
}

const SCHEME = 'discovery';
const FORM = 'discovery:///service';

/**
 * A driver of services that are called `discovery:///service`, whichever registry they stand in. In a process that is one
 * registry, as gRPC has one table of schemes.
 *
 * @param parts - what is the framework's own
 * @throws DtmConfigError when the registry is none
 */
export function discoveryDriver(parts: DiscoveryDriverParts): DtmDriver {
  const { name, factory, kinds, aliases = {} } = parts;
  const places = new Map<string, Place>();
  let found: Place | undefined;

  const kindsList = Object.keys(kinds).map((scheme) => `${scheme}://host:port`);
  const remedy =
    `name the registry: ${factory}({ registry: '${kindsList[0]}' }), ` +
    `or register a service with a target ${kindsList[0]}/service`;

  const open = (url: RegistryUrl, text: string): Place => {
    const kind = Object.hasOwn(kinds, url.scheme) ? kinds[url.scheme] : undefined;
    if (!kind || url.hosts.length === 0) {
      const why = kind ? 'it has no host' : `${JSON.stringify(url.scheme)} is no registry of it`;
      throw new DtmConfigError(`driver ${name} takes the registries ${kindsList.join(', ')}; ${why}`);
    }
    const known = places.get(text) ?? { url: publicUrl(url, kind), instances: kind.open(url) };
    places.set(text, known);
    return known;
  };
  const parse = (text: string): RegistryUrl => {
    const written = text.split(':', 1)[0]!.toLowerCase();
    const scheme = aliases[written] ?? written;
    return { ...parseRegistryUrl(text, kinds[scheme]?.defaultPort), scheme };
  };

  if (parts.registry !== undefined) {
    const url = parse(parts.registry);
    if (url.path !== '') throw new DtmConfigError(`driver ${name}: the registry is written ${kindsList.join(', or ')}`);
    found = open(url, registryText(url));
  }

  const source: AddressSource = {
    check(target) {
      serviceOf(target);
      if (!found) throw new DtmArgumentError(`driver ${name} does not know where to look services up; ${remedy}`);
    },
    watch: (target, listener) => found!.instances.watch(serviceOf(target), listener),
  };

  const driver = registryDriver({
    name,
    schemes: () => {
      const discovery = { form: `${FORM}/pkg.Service/Method`, source, registry: found?.url, isProvisional: !found };
      const direct = { form: 'direct:///host:port,host:port/pkg.Service/Method', source: addressList };
      return { [SCHEME]: discovery, direct } satisfies Record<string, DriverScheme>;
    },
    target(target, endpoint) {
      const url = parse(target);
      const place = open(url, registryText(url));
      const service = checkServiceName(
        url.path || (parts.defaultService ?? ''),
        `driver ${name}: the service in the target`,
      );
      const endpoints = endpointsOf(endpoint, name);
      if (endpoints.length > (parts.mostEndpoints ?? Infinity)) {
        throw new DtmConfigError(
          `driver ${name}: an endpoint is a single URL, grpc://host:port; ${endpoint} are several`,
        );
      }
      const id = parts.idOf(service, endpoints);
      const instance: ServiceInstance = {
        id,
        name: service,
        version: '',
        metadata: null,
        endpoints: endpoints.map((one) => one.url),
      };
      found ??= place;
      return (options) => place.instances.register(instance, endpoints, options);
    },
  });

  return {
    ...driver,
    parseServerMethod(uri) {
      const method = driver.parseServerMethod(uri);
      if (!found && method.server.startsWith(`${SCHEME}:`)) {
        throw new DtmArgumentError(`driver ${name} does not know where to look ${method.server} up; ${remedy}`);
      }
      return method;
    },
  };
}

function endpointsOf(endpoint: string, driver: string): [InstanceEndpoint, ...InstanceEndpoint[]] {
  const [first = '', ...others] = endpoint.split(',');
  return [endpointOf(first, driver), ...others.map((other) => endpointOf(other, driver))];
}

/** The authority is of no account, as in Go. */
function serviceOf({ path }: GrpcTarget): string {
  return checkServiceName(path);
}

/** What tells one registry from others, secrets included. */
function registryText({ scheme, hosts, user, password, query }: RegistryUrl): string {
  return JSON.stringify([scheme, hosts.map(hostPort), user, password, [...query]]);
}

function publicUrl({ scheme, hosts, query }: RegistryUrl, { part }: RegistryKind): string {
  const name = part?.(query);
  return `${scheme}://${hosts.map(hostPort).join()}${name === undefined ? '' : `/${name}`}`;
}
